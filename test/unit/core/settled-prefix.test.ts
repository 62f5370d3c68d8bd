import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SettledPrefix } from '../../../src/core/settled-prefix.ts';

test('the start is committable at once', () => {
  assert.equal(new SettledPrefix(42).committable, 42);
});

test('an offset that is settled early waits for those before it', () => {
  const prefix = new SettledPrefix(0);
  for (const offset of [0, 1, 2]) prefix.enter(offset);
  prefix.settle(2);
  prefix.settle(1);
  assert.deepEqual([prefix.committable, prefix.unsettled], [0, 3]);
  prefix.settle(0);
  assert.deepEqual([prefix.committable, prefix.unsettled], [3, 0]);
});

test('gaps between offsets are skipped with the offset behind them', () => {
  const prefix = new SettledPrefix(10);
  for (const offset of [12, 20]) prefix.enter(offset);
  assert.equal(prefix.committable, 10);
  prefix.settle(12);
  assert.equal(prefix.committable, 13);
  prefix.settle(20);
  assert.equal(prefix.committable, 21);
});

test('offsets that were never entered, or are settled twice, change nothing', () => {
  const prefix = new SettledPrefix(0);
  for (const offset of [1, 2]) prefix.enter(offset);
  prefix.settle(0);
  prefix.settle(7);
  prefix.settle(1);
  prefix.settle(1);
  assert.deepEqual([prefix.committable, prefix.unsettled], [2, 1]);
});

test('a long prefix forgets what is committed and still finds what comes', () => {
  const prefix = new SettledPrefix(0);
  for (let offset = 0; offset < 10_000; offset++) prefix.enter(offset);
  for (let offset = 0; offset < 5_000; offset++) prefix.settle(offset);
  assert.deepEqual([prefix.committable, prefix.unsettled], [5_000, 5_000]);
  prefix.settle(9_999);
  for (let offset = 5_000; offset < 9_999; offset++) prefix.settle(offset);
  assert.deepEqual([prefix.committable, prefix.unsettled], [10_000, 0]);
});
