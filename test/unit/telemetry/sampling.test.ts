import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Clock } from '../../../src/core/clock.ts';
import { PerSecondLimit, RatioSampler } from '../../../src/telemetry/sampling.ts';

test('ratio 1 picks all, ratio 0 none', () => {
  const all = new RatioSampler(1);
  const none = new RatioSampler(0);
  for (let i = 0; i < 1_000; i++) {
    assert.equal(all.picks(), true);
    assert.equal(none.picks(), false);
  }
});

test('a ratio between picks that part of many, with any seed', () => {
  fc.assert(
    fc.property(fc.integer(), fc.constantFrom(0.01, 0.1, 0.5, 0.9), (seed, ratio) => {
      const sampler = new RatioSampler(ratio, seeded(seed));
      const tries = 20_000;
      let picked = 0;
      for (let i = 0; i < tries; i++) if (sampler.picks()) picked += 1;
      const deviation = Math.sqrt(tries * ratio * (1 - ratio));
      assert.ok(Math.abs(picked - tries * ratio) < 7 * deviation, `${picked} of ${tries} at ${ratio}`);
    }),
    { numRuns: 20, seed: 1 },
  );
});

test('a limit lets that many through in each second', () => {
  let now = 5_000;
  const clock: Clock = { now: () => now, elapsed: () => now, after: () => () => {} };
  const limit = new PerSecondLimit(2, clock);
  assert.deepEqual([limit.takes(), limit.takes(), limit.takes()], [true, true, false]);
  now = 5_999;
  assert.equal(limit.takes(), false);
  now = 6_000;
  assert.deepEqual([limit.takes(), limit.takes(), limit.takes()], [true, true, false]);
});

/** mulberry32. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296;
  };
}
