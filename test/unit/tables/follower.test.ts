import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch } from '../../../src/core/batch.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import type { PartitionOffsets, StartPosition } from '../../../src/core/log.ts';
import { Follower } from '../../../src/tables/follower.ts';
import { FakeLog, type FakeReader } from '../actors/fake-log.ts';
import { keptLogger, turn } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';
import { SettleLog } from '../core/settle-log.ts';

/** Milliseconds, longer than any pause. */
const LONG = 60_000;

/** A follower of the topic `t`, whose readers and ends are in the hands of the test. */
class FollowerRig {
  readonly log = new FakeLog();
  readonly clock = new HandClock();
  readonly kept = keptLogger();
  readonly follower: Follower;
  /** Texts of the records that were handed on. */
  readonly seen: string[] = [];
  readonly recreated: string[] = [];
  readonly settled = new SettleLog();
  private hasCaughtUp = false;

  constructor({ from = 'earliest', ends = [] }: { from?: StartPosition; ends?: number[] } = {}) {
    const { log, clock, kept, seen } = this;
    const offsets = async (): Promise<PartitionOffsets[]> => {
      if (log.trouble !== undefined) throw log.trouble;
      return ends.map((latest, partition) => ({ partition, earliest: 0, latest }));
    };
    Object.assign(log.admin, { offsets });
    this.follower = new Follower({
      log,
      topics: ['t'],
      from,
      clock,
      logger: kept.logger,
      next: ({ messages }) => {
        for (const { text } of messages) {
          if (text === 'bad') throw new Error('cannot take it');
          seen.push(text);
        }
      },
      recreated: (topic) => this.recreated.push(topic),
    });
    this.follower.caughtUp.then(() => {
      this.hasCaughtUp = true;
    }, assert.fail);
  }

  give(reader: FakeReader | undefined, ...texts: string[]): void {
    reader?.batches$.next(new Batch(texts.map((text) => this.settled.message(text))));
  }

  async openReader(): Promise<FakeReader> {
    this.follower.open();
    const reader = this.log.readers.at(-1) as FakeReader;
    reader.goLive();
    await turn();
    return reader;
  }

  /** Whether it has caught up when it has looked once more. */
  async look(): Promise<boolean> {
    this.clock.advance(20);
    await turn();
    return this.hasCaughtUp;
  }
}

test('a follower passes on records and acks them', async () => {
  const rig = new FollowerRig();
  const { log, seen, settled } = rig;
  const reader = await rig.openReader();
  assert.deepEqual(reader.options, { topics: ['t'], from: 'earliest' });
  rig.give(reader, 'a', 'b');
  rig.give(reader, 'c');
  assert.deepEqual(
    [seen, settled.outcomes],
    [
      ['a', 'b', 'c'],
      ['ack', 'ack', 'ack'],
    ],
  );
  assert.equal(log.readers.length, 1);
});

test('a batch that cannot be processed is logged, and reading continues', async () => {
  const rig = new FollowerRig();
  const { seen, settled } = rig;
  const reader = await rig.openReader();
  rig.give(reader, 'a', 'bad', 'b');
  rig.give(reader, 'c');
  assert.deepEqual(
    [seen, settled.outcomes, rig.kept.errors()],
    [['a', 'c'], ['ack', 'ack', 'ack', 'ack'], ['records that were read could not be processed']],
  );
});

test('a reader that fails is replaced, after a pause, by one that continues at its position', async () => {
  const rig = new FollowerRig();
  const { log, clock, seen } = rig;
  const first = await rig.openReader();
  rig.give(first, 'a');
  first.at = { t: { 0: 1, 1: 7 } };
  first.batches$.error(new TidegateError('TG_LOG_UNAVAILABLE', 'gone'));
  assert.equal(log.readers.length, 1);
  clock.advance(LONG);
  const second = log.readers[1];
  assert.deepEqual(second?.options.from, { checkpoint: first.checkpoint() });
  rig.give(second, 'b');
  assert.deepEqual(seen, ['a', 'b']);
  assert.deepEqual(first.orders, ['close']);
  assert.deepEqual(rig.kept.warnings(), ['reading t failed, trying again: gone']);
});

test('a reader that fails before it knows its positions is replaced by one with the same start', async () => {
  const rig = new FollowerRig({ from: 'latest' });
  const { log, clock, follower } = rig;
  follower.open();
  log.readers[0]?.failLive(new Error('no'));
  await turn();
  clock.advance(LONG);
  assert.deepEqual(log.readers[1]?.options.from, 'latest');
});

test('a log that gives no reader is asked again and again', async () => {
  const rig = new FollowerRig();
  const { log, clock, follower, seen } = rig;
  const { reader } = log;
  let asked = 0;
  log.reader = () => {
    asked += 1;
    throw new TidegateError('TG_LOG_UNAVAILABLE', 'not open');
  };
  follower.open();
  clock.advance(LONG);
  assert.ok(asked > 5, `asked ${asked} times`);
  log.reader = reader;
  clock.advance(LONG);
  rig.give(log.readers[0], 'a');
  assert.deepEqual(seen, ['a']);
});

test('pauses between readers grow while none delivers a record', async () => {
  const rig = new FollowerRig();
  const { log, clock, follower } = rig;
  follower.open();
  const begun: number[] = [];
  for (let tries = 0; tries < 8; tries += 1) {
    const count = log.readers.length;
    log.readers.at(-1)?.batches$.error(new Error('broken'));
    const before = clock.now();
    while (log.readers.length === count) clock.advance(10);
    begun.push(clock.now() - before);
  }
  assert.ok((begun[0] ?? 0) <= 100 && (begun[7] ?? 0) >= 2_500, String(begun));
});

test('a follower has caught up when its positions are at the ends, even without records there', async () => {
  const rig = new FollowerRig({ ends: [10, 5] });
  const reader = await rig.openReader();
  assert.equal(await rig.look(), false);
  reader.at = { t: { 0: 10, 1: 4 } };
  assert.equal(await rig.look(), false);
  reader.at = { t: { 0: 10, 1: 5 } };
  assert.equal(await rig.look(), true);
});

test('an empty topic has been caught up with at once', async () => {
  const rig = new FollowerRig({ ends: [0] });
  await rig.openReader();
  assert.equal(await rig.look(), true);
});

test('ends that cannot be read now are read later', async () => {
  const rig = new FollowerRig({ ends: [1] });
  const { log, clock } = rig;
  log.trouble = new TidegateError('TG_LOG_UNAVAILABLE', 'away');
  const reader = await rig.openReader();
  reader.at = { t: { 0: 1 } };
  assert.equal(await rig.look(), false);
  log.trouble = undefined;
  clock.advance(LONG);
  await turn();
  assert.equal(await rig.look(), true);
});

test('a reader that fails before the ends has not caught up', async () => {
  const rig = new FollowerRig({ ends: [2] });
  const { log, clock } = rig;
  const first = await rig.openReader();
  first.at = { t: { 0: 1 } };
  first.batches$.error(new Error('broken'));
  assert.equal(await rig.look(), false);
  clock.advance(LONG);
  const second = log.readers[1] as FakeReader;
  second.at = { t: { 0: 2 } };
  assert.equal(await rig.look(), false);
  second.goLive();
  await turn();
  assert.equal(await rig.look(), true);
});

test('a closed follower closes its reader and opens no other', async () => {
  const rig = new FollowerRig({ ends: [5] });
  const { log, clock, follower, seen } = rig;
  const reader = await rig.openReader();
  await follower.close();
  rig.give(reader, 'a');
  reader.batches$.error(new Error('late'));
  clock.advance(LONG);
  assert.deepEqual([reader.orders, log.readers.length, seen, clock.pending], [['close'], 1, [], 0]);
});

test('a follower that is closed during a pause opens no reader', async () => {
  const rig = new FollowerRig();
  const { log, clock, follower } = rig;
  const reader = await rig.openReader();
  reader.batches$.error(new Error('broken'));
  await follower.close();
  clock.advance(LONG);
  assert.deepEqual([log.readers.length, clock.pending], [1, 0]);
});

test('records that were deleted before they could be read are logged', async () => {
  const rig = new FollowerRig();
  const reader = await rig.openReader();
  reader.gaps$.next({ topic: 't', partition: 0, from: 3, to: 5 });
  assert.deepEqual(rig.kept.errors(), ['records 3-4 of t/0 were gone before they could be read']);
});

test('a topic that was created again is reported, and caught up when the new one is read', async () => {
  const ends = [10];
  const rig = new FollowerRig({ ends });
  const { recreated } = rig;
  const reader = await rig.openReader();
  reader.at = { t: { 0: 4 } };
  assert.equal(await rig.look(), false);
  ends[0] = 2;
  reader.at = { t: { 0: 0 } };
  reader.gaps$.next({ topic: 't', partition: 0, from: 4, to: 0, recreated: true });
  assert.equal(await rig.look(), false);
  reader.at = { t: { 0: 2 } };
  assert.equal(await rig.look(), true);
  assert.deepEqual(recreated, ['t']);
  assert.match(rig.kept.errors()[0] ?? '', /^the topic t was deleted and created again: /);
});

test('ends are read only if the follower has to catch up', async () => {
  const log = new FakeLog();
  let asked = 0;
  const offsets = async (): Promise<PartitionOffsets[]> => {
    asked += 1;
    return [];
  };
  Object.assign(log.admin, { offsets });
  const clock = new HandClock();
  const follower = new Follower({ log, topics: ['t'], from: 'latest', clock, logger: keptLogger().logger, next() {} });
  follower.open();
  log.readers[0]?.goLive();
  await turn();
  clock.advance(1_000);
  await turn();
  assert.equal(asked, 0);
  await Promise.all([follower.caughtUp, follower.caughtUp]);
  assert.equal(asked, 1);
});
