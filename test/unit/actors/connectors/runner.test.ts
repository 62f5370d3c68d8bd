import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Subject } from 'rxjs';
import { LeasedSink } from '../../../../src/actors/connectors/leased-sink.ts';
import { Runner, type RunObserver } from '../../../../src/actors/connectors/runner.ts';
import { Batch } from '../../../../src/core/batch.ts';
import { TidegateError } from '../../../../src/core/errors.ts';
import { Message } from '../../../../src/core/message.ts';
import { HandClock } from '../../core/hand-clock.ts';
import { keptLogger } from '../rig.ts';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A runner with runs that the test ends by hand. */
function setUp() {
  const clock = new HandClock();
  const said: string[] = [];
  const orders: string[] = [];
  const observers: RunObserver[] = [];
  const ends: (() => void)[] = [];
  const state = { mayBegin: Promise.resolve(), isHalted: false };
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
        drop: async () => void orders.push('drop'),
      };
    },
    reports: (name, trace) => said.push(trace === undefined ? name : `${name} ${trace}`),
    halted: () => {
      state.isHalted = true;
    },
    patience: 5_000,
    clock,
    logger: keptLogger().logger,
  });
  return { clock, runner, said, orders, observers, ends, state };
}

test('a runner reports its state whenever it is another one', async () => {
  const { runner, said, observers } = setUp();
  runner.start();
  await turn();
  observers[0]?.fares('ws://x: refused');
  observers[0]?.fares('ws://x: refused');
  observers[0]?.fares('ws://x: 401');
  observers[0]?.fares(undefined);
  assert.deepEqual(said, ['RUNNING', 'RESTARTING ws://x: refused', 'RESTARTING ws://x: 401', 'RUNNING']);
});

test('what fails is ended, says why, and stays so until it is restarted', async () => {
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

test('a run that cannot begin has failed', async () => {
  const { runner, said, state } = setUp();
  state.mayBegin = Promise.reject(new TidegateError('TG_TOPIC_INVALID', 'no such topic'));
  runner.start();
  await turn();
  await turn();
  assert.deepEqual(said.at(-1), 'FAILED TG_TOPIC_INVALID: no such topic');
});

test('a restart ends the one run before it begins the next', async () => {
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

test('a pause ends the run, and so does a halt; both wait for what was read, but not for ever', async () => {
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

test('what runs elsewhere by now is dropped at once, and nothing is reported of it', async () => {
  const { runner, said, orders, state } = setUp();
  runner.start();
  await turn();
  runner.kill();
  await turn();
  assert.deepEqual(orders, ['begin', 'drop']);
  assert.deepEqual([state.isHalted, said], [true, ['RUNNING']]);
});

test('a run that is still beginning when it is halted is ended as well', async () => {
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

/** A sink behind a lease that the test gives and takes. */
function leased() {
  const written: string[] = [];
  const lease = { isHeld: true, changed$: new Subject<void>() };
  const sink = new LeasedSink(
    {
      open: async () => {},
      write: (batch) => {
        for (const message of batch.messages) written.push(message.text);
        batch.ack();
      },
      idle: true,
      idle$: new Subject<void>(),
      close: async () => {},
    },
    lease,
    () => {},
  );
  const failures: (string | undefined)[] = [];
  const batch = (text: string) =>
    new Batch([new Message(Buffer.from(text), { target: { settled: (_, failure) => failures.push(failure?.code) } })]);
  return { sink, lease, written, failures, batch };
}

test('nothing is written while the lease is gone, and all of it in order once it is back', async () => {
  const { sink, lease, written, batch } = leased();
  await sink.open();
  sink.write(batch('1'));
  lease.isHeld = false;
  sink.write(batch('2'));
  sink.write(batch('3'));
  lease.changed$.next();
  assert.deepEqual([written, sink.idle], [['1'], false]);
  lease.isHeld = true;
  sink.write(batch('4'));
  assert.deepEqual(written, ['1'], 'nothing overtakes what waits');
  lease.changed$.next();
  assert.deepEqual([written, sink.idle], [['1', '2', '3', '4'], true]);
});

test('what waits for a lease that does not come back is never written', async () => {
  const { sink, lease, written, failures, batch } = leased();
  await sink.open();
  lease.isHeld = false;
  sink.write(batch('1'));
  await sink.close();
  lease.isHeld = true;
  lease.changed$.next();
  assert.deepEqual([written, failures], [[], ['TG_STOPPING']]);
});
