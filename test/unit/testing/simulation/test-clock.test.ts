import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BEGINNING, TestClock } from '../../../../src/testing/simulation/test-clock.ts';

test('time stands still until it is moved, and calls what is due in its order, also what that sets', () => {
  const clock = new TestClock();
  const calls: [string, number][] = [];
  const call = (name: string) => () => calls.push([name, clock.elapsed()]);
  clock.after(20, call('second'));
  clock.after(10, () => {
    call('first')();
    clock.after(5, call('set by the first'));
    clock.after(100, call('late'));
  });
  clock.after(20, call('third'));
  assert.deepEqual([clock.now(), clock.pending, clock.next], [BEGINNING, 3, 10]);
  clock.advance(20);
  assert.deepEqual(calls, [
    ['first', 10],
    ['set by the first', 15],
    ['second', 20],
    ['third', 20],
  ]);
  assert.deepEqual([clock.now(), clock.elapsed(), clock.pending, clock.next], [BEGINNING + 20, 20, 1, 90]);
});

test('a timer that is cancelled is not called, and one of no time is called by no time', () => {
  const clock = new TestClock(5_000);
  const calls: string[] = [];
  const cancel = clock.after(10, () => calls.push('cancelled'));
  clock.after(0, () => calls.push('at once'));
  clock.after(-5, () => calls.push('of the past'));
  assert.deepEqual(calls, []);
  cancel();
  cancel();
  clock.advance(0);
  assert.deepEqual(calls, ['at once', 'of the past']);
  clock.advance(60_000);
  assert.deepEqual([calls.length, clock.now(), clock.next, clock.jitter()], [2, 65_000, undefined, 1]);
});
