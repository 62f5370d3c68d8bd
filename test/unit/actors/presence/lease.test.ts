import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lease } from '../../../../src/actors/presence/lease.ts';
import { HandClock } from '../../core/hand-clock.ts';

function setUp() {
  const clock = new HandClock();
  const written: number[] = [];
  const lease = new Lease({ length: 9_000, clock, write: (number) => written.push(number) });
  return { clock, written, lease };
}

test('a lease is renewed a third of it after the former record came back', () => {
  const { clock, written, lease } = setUp();
  lease.begin();
  clock.advance(1_000);
  lease.stored();
  clock.advance(10_000);
  assert.deepEqual(written, [1], 'not while it is unread');
  lease.echoed();
  clock.advance(2_999);
  assert.deepEqual(written, [1]);
  clock.advance(1);
  assert.deepEqual(written, [1, 2]);
});

test('a lease that is read before the log has said so is renewed once it has', () => {
  const { clock, written, lease } = setUp();
  lease.begin();
  lease.echoed();
  clock.advance(10_000);
  assert.deepEqual(written, [1]);
  lease.stored();
  clock.advance(3_000);
  assert.deepEqual(written, [1, 2]);
});

test('a lease that the log refused is tried again at its time', () => {
  const { clock, written, lease } = setUp();
  lease.begin();
  lease.lost();
  clock.advance(3_000);
  assert.deepEqual(written, [1, 2]);
});

test('a lease is late when its record needs longer than the pause between two', () => {
  const { clock, lease } = setUp();
  lease.begin();
  clock.advance(3_000);
  assert.equal(lease.isLate, false);
  clock.advance(1);
  assert.equal(lease.isLate, true);
});

test('a lease that has ended is not renewed', () => {
  const { clock, written, lease } = setUp();
  lease.begin();
  lease.stored();
  lease.echoed();
  lease.end();
  clock.advance(10_000);
  lease.echoed();
  lease.begin();
  clock.advance(10_000);
  assert.deepEqual([written, clock.pending], [[1], 0]);
});
