import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RateLimit } from '../../../src/topics/rate-limit.ts';
import { HandClock } from '../core/hand-clock.ts';

test('each address has its own minute, which slides', () => {
  const clock = new HandClock();
  const limit = new RateLimit(3, clock);
  limit.take('a', 2);
  assert.deepEqual([limit.has('a', 1), limit.has('a', 2), limit.has('b', 3)], [true, false, true]);
  clock.advance(59_999);
  limit.take('a', 1);
  assert.equal(limit.has('a', 1), false);
  clock.advance(1);
  assert.deepEqual([limit.has('a', 2), limit.has('a', 3)], [true, false]);
});

test('what is given back does not count any more', () => {
  const clock = new HandClock();
  const limit = new RateLimit(3, clock);
  const first = limit.take('a', 2);
  clock.advance(30_000);
  limit.take('a', 1);
  limit.giveBack('a', first);
  assert.deepEqual([limit.has('a', 1), limit.has('a', 2)], [true, false]);
  clock.advance(30_000);
  assert.deepEqual([limit.has('a', 2), limit.has('a', 3)], [true, false]);
  limit.giveBack('a', first);
  limit.giveBack('b', first);
  assert.deepEqual([limit.has('a', 2), limit.has('a', 3)], [true, false]);
});

test('nothing is remembered of addresses that took nothing for a minute', () => {
  const clock = new HandClock();
  const limit = new RateLimit(3, clock);
  for (let index = 0; index < 1_000; index++) limit.take(`a${index}`, 1);
  clock.advance(60_000);
  limit.take('b', 1);
  assert.equal(limit.size, 1);
});
