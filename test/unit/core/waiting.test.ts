import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { aborted, isWithin, pause } from '../../../src/core/waiting.ts';
import { turn } from '../actors/rig.ts';
import { HandClock } from './hand-clock.ts';

test('a pause ends after its time, or when it is aborted, and leaves no timer behind', async () => {
  const clock = new HandClock();
  const ended: string[] = [];
  const leaving = new AbortController();
  void pause(clock, 100).then(() => ended.push('time'));
  void pause(clock, 1_000, leaving.signal).then(() => ended.push('aborted'));
  clock.advance(99);
  await turn();
  assert.deepEqual(ended, []);
  clock.advance(1);
  await turn();
  assert.deepEqual(ended, ['time']);
  leaving.abort();
  await turn();
  assert.deepEqual(ended, ['time', 'aborted']);
  assert.equal(clock.pending, 0);
  await pause(clock, 1_000, leaving.signal);
  assert.equal(clock.pending, 0);
});

test('work is within its time, late, or failed', async () => {
  const clock = new HandClock();
  assert.equal(await isWithin(clock, 100, Promise.resolve('done')), true);
  assert.equal(clock.pending, 0);
  await assert.rejects(isWithin(clock, 100, Promise.reject(new Error('broken'))), /broken/);
  assert.equal(clock.pending, 0);
  const late = isWithin(clock, 100, new Promise(() => {}));
  clock.advance(100);
  assert.equal(await late, false);
});

test('a signal that is aborted already, or later, is waited for', async () => {
  await aborted(AbortSignal.abort());
  const leaving = new AbortController();
  const waiting = aborted(leaving.signal);
  leaving.abort();
  await waiting;
  assert.ok(leaving.signal.aborted);
});

test('a wait by the clock that keeps a process awake ends; one by the other clock holds no process', () => {
  const waits = (clock: string) => {
    const script = `
      import { isWithin } from './src/core/waiting.ts';
      import { awakeClock, systemClock } from './src/core/clock.ts';
      isWithin(${clock}, 50, new Promise(() => {})).then(() => console.log('ended'));`;
    const run = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      encoding: 'utf8',
    });
    return run.stdout.trim();
  };
  assert.deepEqual([waits('awakeClock'), waits('systemClock')], ['ended', '']);
});
