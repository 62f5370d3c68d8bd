import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lease } from '../../../src/presence/lease.ts';
import { HandClock } from '../core/hand-clock.ts';

class LeaseRig {
  readonly clock = new HandClock();
  /** Numbers of the records that were written. */
  readonly written: number[] = [];
  readonly lease = new Lease({ length: 9_000, clock: this.clock, write: (number) => this.written.push(number) });
}

test('a lease is renewed a third of its length after its last record was read back', () => {
  const { clock, written, lease } = new LeaseRig();
  lease.begin();
  clock.advance(1_000);
  lease.stored();
  clock.advance(10_000);
  assert.deepEqual(written, [1], 'not while it is unread');
  lease.readBack();
  clock.advance(2_999);
  assert.deepEqual(written, [1]);
  clock.advance(1);
  assert.deepEqual(written, [1, 2]);
});

test('a lease that is read back before its ack is renewed after the ack', () => {
  const { clock, written, lease } = new LeaseRig();
  lease.begin();
  lease.readBack();
  clock.advance(10_000);
  assert.deepEqual(written, [1]);
  lease.stored();
  clock.advance(3_000);
  assert.deepEqual(written, [1, 2]);
});

test('a lease that the log refused is written again after the usual pause', () => {
  const { clock, written, lease } = new LeaseRig();
  lease.begin();
  lease.lost();
  clock.advance(3_000);
  assert.deepEqual(written, [1, 2]);
});

test('a lease is late when its record needs longer than the pause between two', () => {
  const { clock, lease } = new LeaseRig();
  lease.begin();
  clock.advance(3_000);
  assert.equal(lease.isLate, false);
  clock.advance(1);
  assert.equal(lease.isLate, true);
});

test('a lease that has ended is not renewed', () => {
  const { clock, written, lease } = new LeaseRig();
  lease.begin();
  lease.stored();
  lease.readBack();
  lease.end();
  clock.advance(10_000);
  lease.readBack();
  lease.begin();
  clock.advance(10_000);
  assert.deepEqual([written, clock.pending], [[1], 0]);
});

test('a lease is held for two thirds of its length from the writing of its last record read back', () => {
  const { clock, lease } = new LeaseRig();
  assert.equal(lease.isHeld, false);
  lease.begin();
  clock.advance(1_000);
  assert.equal(lease.isHeld, false, 'not before it has come back');
  lease.stored();
  lease.readBack();
  clock.advance(3_000);
  // The next record is written by now, and has not come back.
  clock.advance(1_999);
  assert.equal(lease.isHeld, true);
  clock.advance(1);
  assert.equal(lease.isHeld, false);
  lease.stored();
  lease.readBack();
  assert.equal(lease.isHeld, true);
  lease.end();
  assert.equal(lease.isHeld, false);
});

test('a clock set back does not prolong a lease, and one set forward ends it until the next record', () => {
  const { clock, written, lease } = new LeaseRig();
  const comesBack = () => {
    lease.stored();
    lease.readBack();
  };
  lease.begin();
  comesBack();
  clock.stepped = -3_600_000;
  clock.advance(3_000);
  assert.deepEqual(written, [1, 2]);
  assert.deepEqual([lease.isHeld, lease.isLate], [true, false]);
  clock.advance(3_000);
  assert.deepEqual([lease.isHeld, lease.isLate], [false, false], 'two thirds have passed, by whichever clock');
  comesBack();
  assert.equal(lease.isHeld, true);
  clock.stepped = 3_600_000;
  assert.equal(lease.isHeld, false, 'the machine may have been suspended, and its even clock with it');
  clock.advance(3_000);
  comesBack();
  assert.equal(lease.isHeld, true);
});
