import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReaderWaits } from '../../../src/channels/feed/reader-waits.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import { turn } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';

function waitsRig() {
  const clock = new HandClock();
  const log = { latest: 10, asked: 0, looks: 0, isAway: false };
  const settled = new Map([[0, 3]]);
  const waits = new ReaderWaits({
    ends: async () => {
      log.asked += 1;
      if (log.isAway) throw new TidegateError('TG_LOG_UNAVAILABLE', 'away');
      return [{ partition: 0, earliest: 0, latest: log.latest }];
    },
    settled: () => {
      log.looks += 1;
      return settled;
    },
    clock,
  });
  const results: unknown[] = [];
  const abort = new AbortController();
  const until = (offset: number, partition = 0) =>
    void waits.until(partition, offset, abort.signal).then((isThere) => results.push(isThere));
  return { clock, log, settled, waits, until, results, abort };
}

test('a client waits until the reader is there, also by records that come to no endpoint', async () => {
  const { clock, settled, waits, until, results } = waitsRig();
  until(3);
  await turn();
  assert.deepEqual([results, clock.pending], [[true], 0]);
  until(5);
  until(6);
  await turn();
  waits.reached(1, 9);
  waits.reached(0, 5);
  await turn();
  assert.deepEqual(results, [true, true]);
  settled.set(0, 6);
  clock.advance(10);
  await turn();
  assert.deepEqual([results, clock.pending], [[true, true, true], 0]);
});

test('a position behind the end of the log is none, and one question is for all that wait', async () => {
  const { log, until, results, clock } = waitsRig();
  for (const offset of [11, 12, 10, 13]) until(offset);
  await turn();
  assert.deepEqual(results, [false, false, false]);
  assert.equal(log.asked, 1);
  until(4, 7);
  await turn();
  assert.deepEqual([results.length, clock.pending], [4, 1]);
});

test('clients that come at once are looked at once, and a record that none of them waits for at none', async () => {
  const { log, until, results, waits } = waitsRig();
  for (let client = 0; client < 1_000; client += 1) until(5 + (client % 5));
  await turn();
  assert.deepEqual([log.looks, log.asked], [1, 1]);
  waits.reached(0, 4);
  await turn();
  assert.deepEqual(results, []);
  for (const [offset, ended] of [
    [5, 200],
    [6, 400],
    [9, 1_000],
  ] as const) {
    waits.reached(0, offset);
    await turn();
    assert.equal(results.length, ended);
  }
});

test('while the log does not answer, clients wait', async () => {
  const { log, until, results, waits, abort } = waitsRig();
  log.isAway = true;
  until(99);
  await turn();
  assert.deepEqual(results, []);
  waits.endAll();
  until(99);
  abort.abort();
  until(99);
  await turn();
  assert.deepEqual(results, [undefined, undefined, undefined]);
});
