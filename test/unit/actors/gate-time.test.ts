import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GateTime } from '../../../src/actors/pipeline/gate-time.ts';

test('the times for which a gate was closed add up, the current one up to now', () => {
  let now = 5_000;
  const time = new GateTime(() => now);
  now += 1_000;
  assert.equal(time.seconds, 0);
  time.changed(true);
  time.changed(false);
  now += 300;
  assert.equal(time.seconds, 0.3);
  time.changed(false);
  now += 200;
  assert.equal(time.seconds, 0.5);
  time.changed(true);
  now += 9_000;
  assert.equal(time.seconds, 0.5);
  time.changed(false);
  now += 250;
  time.changed(true);
  assert.equal(time.seconds, 0.75);
});
