import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { backoffDelay } from '../../../src/core/backoff.ts';

test('pauses double up to the longest one; half of each is left to chance', () => {
  const options = { initial: 100, max: 1_000 };
  const all = [1, 2, 3, 4, 5, 100];
  assert.deepEqual(
    all.map((attempt) => backoffDelay(attempt, options, () => 0)),
    [50, 100, 200, 400, 500, 500],
  );
  assert.deepEqual(
    all.map((attempt) => backoffDelay(attempt, options, () => 0.999_999)),
    [100, 200, 400, 800, 1_000, 1_000],
  );
});

test('a pause is never longer than the longest, nor shorter than half of the first', () => {
  const cases = fc.record({
    attempt: fc.integer({ min: 1, max: 10_000 }),
    initial: fc.integer({ min: 1, max: 10_000 }),
    more: fc.integer({ min: 0, max: 1_000_000 }),
  });
  fc.assert(
    fc.property(cases, ({ attempt, initial, more }) => {
      const pause = backoffDelay(attempt, { initial, max: initial + more });
      assert.ok(pause >= Math.floor(initial / 2) && pause <= initial + more);
    }),
  );
});
