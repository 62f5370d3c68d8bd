import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Runner, type RunObserver } from '../../../../src/connect/cluster/runner.ts';
import { TidegateError } from '../../../../src/core/errors.ts';
import { keptLogger } from '../../actors/rig.ts';
import { HandClock } from '../../core/hand-clock.ts';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A runner with runs that the test ends by hand. */
function setUp() {
  const clock = new HandClock();
  const said: string[] = [];
  const orders: string[] = [];
  const observers: RunObserver[] = [];
  const ends: (() => void)[] = [];
  const state = { mayBegin: Promise.resolve(), mayDrop: Promise.resolve(), isHalted: false };
  const runner = new Runner({
    name: 'the task x-0',
    begin: async (observer) => {
      orders.push('begin');
      await state.mayBegin;
      observers.push(observer);
      const end = () => new Promise<void>((resolve) => ends.push(resolve));
      return {
        end: () => {
          orders.push('end');
          return end();
        },
        drop: () => {
          orders.push('drop');
          return state.mayDrop;
        },
      };
    },
    reports: (name, trace) => said.push(trace === undefined ? name : `${name} ${trace}`),
    halted: () => {
      state.isHalted = true;
    },
    drainTimeout: 5_000,
    clock,
    logger: keptLogger().logger,
  });
  return { clock, runner, said, orders, observers, ends, state };
}

test('a runner reports its state when it changes', async () => {
  const { runner, said, observers } = setUp();
  runner.start();
  await turn();
  observers[0]?.onStatus('ws://x: refused');
  observers[0]?.onStatus('ws://x: refused');
  observers[0]?.onStatus('ws://x: 401');
  observers[0]?.onStatus(undefined);
  assert.deepEqual(said, ['RUNNING', 'RESTARTING ws://x: refused', 'RESTARTING ws://x: 401', 'RUNNING']);
});

test('a failed run is ended, reports the reason, and stays failed until a restart', async () => {
  const { runner, said, orders, observers, ends } = setUp();
  runner.start();
  await turn();
  observers[0]?.failed(new TidegateError('TG_REMOTE_FAILED', 'lost for good'));
  await turn();
  ends[0]?.();
  await turn();
  runner.start();
  runner.pause();
  assert.equal(runner.state, 'FAILED');
  runner.restart();
  await turn();
  assert.deepEqual(said, ['RUNNING', 'FAILED TG_REMOTE_FAILED: lost for good', 'RUNNING']);
  assert.deepEqual(orders, ['begin', 'end', 'begin']);
  observers[0]?.failed(new TidegateError('TG_REMOTE_FAILED', 'the one before is not heard'));
  assert.equal(runner.state, 'RUNNING');
});

test('a run that cannot start has failed', async () => {
  const { runner, said, state } = setUp();
  state.mayBegin = Promise.reject(new TidegateError('TG_TOPIC_INVALID', 'no such topic'));
  runner.start();
  await turn();
  await turn();
  assert.deepEqual(said.at(-1), 'FAILED TG_TOPIC_INVALID: no such topic');
});

test('a restart ends one run before it starts the next', async () => {
  const { runner, said, orders, ends } = setUp();
  runner.start();
  await turn();
  runner.restart();
  await turn();
  assert.deepEqual(orders, ['begin', 'end']);
  ends[0]?.();
  await turn();
  assert.deepEqual(orders, ['begin', 'end', 'begin']);
  assert.deepEqual(said, ['RUNNING', 'RESTARTING', 'RUNNING']);
});

test('a pause or a halt ends the run, and waits a limited time for what was read', async () => {
  const { runner, orders, ends, clock, state } = setUp();
  runner.start();
  await turn();
  runner.pause();
  await turn();
  assert.equal(runner.state, 'PAUSED');
  ends[0]?.();
  await turn();
  runner.start();
  await turn();
  runner.halt();
  await turn();
  assert.equal(state.isHalted, false);
  clock.advance(5_000);
  await turn();
  assert.equal(state.isHalted, true);
  assert.deepEqual(orders, ['begin', 'end', 'begin', 'end', 'drop']);
});

test('a run that another gateway has taken over is dropped at once, without a report', async () => {
  const { runner, said, orders, state } = setUp();
  runner.start();
  await turn();
  runner.kill();
  await turn();
  assert.deepEqual(orders, ['begin', 'drop']);
  assert.deepEqual([state.isHalted, said], [true, ['RUNNING']]);
});

test('a run that is halted while it starts is ended as well', async () => {
  const { runner, orders, state, ends } = setUp();
  let letBegin = () => {};
  state.mayBegin = new Promise((resolve) => {
    letBegin = resolve;
  });
  runner.start();
  runner.halt();
  letBegin();
  await turn();
  ends[0]?.();
  await turn();
  assert.deepEqual([orders, state.isHalted], [['begin', 'end'], true]);
});

test('a run that does not end in time counts as running until it is dropped', async () => {
  const { runner, clock, state, orders } = setUp();
  let dropped: () => void = () => {};
  state.mayDrop = new Promise((resolve) => {
    dropped = resolve;
  });
  runner.start();
  await turn();
  runner.halt();
  await turn();
  clock.advance(5_000);
  await turn();
  assert.deepEqual([orders, state.isHalted], [['begin', 'end', 'drop'], false]);
  dropped();
  await turn();
  assert.equal(state.isHalted, true);
});
