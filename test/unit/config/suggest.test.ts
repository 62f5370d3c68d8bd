import assert from 'node:assert/strict';
import { test } from 'node:test';
import { didYouMean, editDistance, suggest } from '../../../src/config/problem/suggest.ts';

test('a swap of neighbours is one mistake', () => {
  assert.equal(editDistance('lsitener', 'listener'), 1);
  assert.equal(editDistance('', 'abc'), 3);
  assert.equal(editDistance('same', 'same'), 0);
});

test('the nearest word is suggested, whatever its case and separators', () => {
  assert.equal(suggest('maxPayload', ['max_payload', 'max_connections']), 'max_payload');
  assert.equal(suggest('codek', ['listener', 'path', 'codec']), 'codec');
});

test('nothing is suggested where nothing is near', () => {
  assert.equal(suggest('zebra', ['listener', 'path']), undefined);
  assert.equal(didYouMean('zebra', []), '');
});
