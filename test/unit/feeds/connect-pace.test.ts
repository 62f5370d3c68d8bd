import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectPace } from '../../../src/feeds/request/connect-pace.ts';
import { HandClock } from '../core/hand-clock.ts';

test('attempts are an interval apart, and begin at once again after a pause', () => {
  const clock = new HandClock();
  const pace = new ConnectPace(100, clock);
  assert.deepEqual([pace.reserve(0), pace.reserve(0), pace.reserve(0)], [0, 100, 200]);
  clock.advance(300);
  assert.deepEqual([pace.reserve(0), pace.reserve(0)], [0, 100]);
});

test('an attempt after a long pause does not delay those before it', () => {
  const pace = new ConnectPace(100, new HandClock());
  assert.deepEqual([pace.reserve(30_000), pace.reserve(0), pace.reserve(50)], [30_000, 0, 100]);
  assert.equal(pace.reserve(29_950), 30_100);
});

test('a gap between two attempts is used if it is wide enough', () => {
  const pace = new ConnectPace(100, new HandClock());
  assert.deepEqual([pace.reserve(0), pace.reserve(200), pace.reserve(350)], [0, 200, 350]);
  assert.deepEqual([pace.reserve(0), pace.reserve(0)], [100, 450]);
});

test('an interval of 0 lets all attempts be made at once', () => {
  const pace = new ConnectPace(0, new HandClock());
  assert.deepEqual([pace.reserve(0), pace.reserve(0), pace.reserve(5)], [0, 0, 5]);
});
