import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cut, quote } from '../../../src/core/quote.ts';

test('a quote has 64 characters and dots, or all there is', () => {
  assert.equal(quote('x'.repeat(64)), 'x'.repeat(64));
  assert.equal(quote('x'.repeat(65)), `${'x'.repeat(64)}...`);
});

test('nothing is cut between the halves of a character', () => {
  assert.equal(cut('ab\u{1f600}', 3), 'ab...');
  assert.equal(cut('ab\u{1f600}', 4), 'ab\u{1f600}');
  assert.equal(cut('a\u{1f600}b', 3), 'a\u{1f600}...');
});
