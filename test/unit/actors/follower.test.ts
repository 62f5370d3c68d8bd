import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Follower } from '../../../src/actors/follower.ts';
import { Batch } from '../../../src/core/batch.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import type { PartitionOffsets, StartPosition } from '../../../src/core/log.ts';
import { HandClock } from '../core/hand-clock.ts';
import { SettleLog } from '../core/settle-log.ts';
import { FakeLog, type FakeReader } from './fake-log.ts';
import { keptLogger, turn } from './rig.ts';

const AGES = 60_000;

function setUp({ from = 'earliest', ends = [] }: { from?: StartPosition; ends?: number[] } = {}) {
  const log = new FakeLog();
  const offsets = async (): Promise<PartitionOffsets[]> => {
    if (log.trouble !== undefined) throw log.trouble;
    return ends.map((latest, partition) => ({ partition, earliest: 0, latest }));
  };
  Object.assign(log.admin, { offsets });
  const clock = new HandClock();
  const kept = keptLogger();
  const seen: string[] = [];
  const recreated: string[] = [];
  let hasCaughtUp = false;
  const follower = new Follower({
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
    recreated: (topic) => recreated.push(topic),
  });
  follower.caughtUp.then(() => {
    hasCaughtUp = true;
  }, assert.fail);
  const settled = new SettleLog();
  const give = (reader: FakeReader | undefined, ...texts: string[]) =>
    reader?.batches$.next(new Batch(texts.map((text) => settled.message(text))));
  const openReader = async (): Promise<FakeReader> => {
    follower.open();
    const reader = log.readers.at(-1) as FakeReader;
    reader.goLive();
    await turn();
    return reader;
  };
  const look = async () => {
    clock.advance(20);
    await turn();
    return hasCaughtUp;
  };
  return { log, clock, follower, seen, settled, give, openReader, look, recreated, ...kept };
}

test('a follower hands on what it reads and acks it', async () => {
  const { log, openReader, give, seen, settled } = setUp();
  const reader = await openReader();
  assert.deepEqual(reader.options, { topics: ['t'], from: 'earliest' });
  give(reader, 'a', 'b');
  give(reader, 'c');
  assert.deepEqual(
    [seen, settled.outcomes],
    [
      ['a', 'b', 'c'],
      ['ack', 'ack', 'ack'],
    ],
  );
  assert.equal(log.readers.length, 1);
});

test('a batch that cannot be taken in is told of, and reading goes on', async () => {
  const { openReader, give, seen, settled, errors } = setUp();
  const reader = await openReader();
  give(reader, 'a', 'bad', 'b');
  give(reader, 'c');
  assert.deepEqual(
    [seen, settled.outcomes, errors()],
    [['a', 'c'], ['ack', 'ack', 'ack', 'ack'], ['records could not be taken in']],
  );
});

test('a reader that breaks is followed by one that goes on where it was, after a pause', async () => {
  const { log, clock, openReader, give, seen, warnings } = setUp();
  const first = await openReader();
  give(first, 'a');
  first.at = { t: { 0: 1, 1: 7 } };
  first.batches$.error(new TidegateError('TG_LOG_UNAVAILABLE', 'gone'));
  assert.equal(log.readers.length, 1);
  clock.advance(AGES);
  const second = log.readers[1];
  assert.deepEqual(second?.options.from, { checkpoint: first.checkpoint() });
  give(second, 'b');
  assert.deepEqual(seen, ['a', 'b']);
  assert.deepEqual(first.orders, ['close']);
  assert.deepEqual(warnings(), ['reading t broke off and is tried again: gone']);
});

test('a reader that breaks before it knows its positions is followed by one that starts where it should have', async () => {
  const { log, clock, follower } = setUp({ from: 'latest' });
  follower.open();
  log.readers[0]?.failLive(new Error('no'));
  await turn();
  clock.advance(AGES);
  assert.deepEqual(log.readers[1]?.options.from, 'latest');
});

test('a log that has no reader to give is asked again and again', async () => {
  const { log, clock, follower, seen, give } = setUp();
  const { reader } = log;
  let asked = 0;
  log.reader = () => {
    asked += 1;
    throw new TidegateError('TG_LOG_UNAVAILABLE', 'not open');
  };
  follower.open();
  clock.advance(AGES);
  assert.ok(asked > 5, `asked ${asked} times`);
  log.reader = reader;
  clock.advance(AGES);
  give(log.readers[0], 'a');
  assert.deepEqual(seen, ['a']);
});

test('pauses between readers grow while none gives anything', async () => {
  const { log, clock, follower } = setUp();
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

test('a follower has caught up when it stands where the ends were, though no record is there', async () => {
  const { openReader, look } = setUp({ ends: [10, 5] });
  const reader = await openReader();
  assert.equal(await look(), false);
  reader.at = { t: { 0: 10, 1: 4 } };
  assert.equal(await look(), false);
  reader.at = { t: { 0: 10, 1: 5 } };
  assert.equal(await look(), true);
});

test('an empty topic has been caught up with at once', async () => {
  const { openReader, look } = setUp({ ends: [0] });
  await openReader();
  assert.equal(await look(), true);
});

test('ends that cannot be asked for now are asked for later', async () => {
  const { log, clock, openReader, look } = setUp({ ends: [1] });
  log.trouble = new TidegateError('TG_LOG_UNAVAILABLE', 'away');
  const reader = await openReader();
  reader.at = { t: { 0: 1 } };
  assert.equal(await look(), false);
  log.trouble = undefined;
  clock.advance(AGES);
  await turn();
  assert.equal(await look(), true);
});

test('a reader that breaks on the way to the ends does not count as having reached them', async () => {
  const { log, clock, openReader, look } = setUp({ ends: [2] });
  const first = await openReader();
  first.at = { t: { 0: 1 } };
  first.batches$.error(new Error('broken'));
  assert.equal(await look(), false);
  clock.advance(AGES);
  const second = log.readers[1] as FakeReader;
  second.at = { t: { 0: 2 } };
  assert.equal(await look(), false);
  second.goLive();
  await turn();
  assert.equal(await look(), true);
});

test('a follower that is closed lets go of its reader and never takes another', async () => {
  const { log, clock, follower, openReader, give, seen } = setUp({ ends: [5] });
  const reader = await openReader();
  await follower.close();
  give(reader, 'a');
  reader.batches$.error(new Error('late'));
  clock.advance(AGES);
  assert.deepEqual([reader.orders, log.readers.length, seen, clock.pending], [['close'], 1, [], 0]);
});

test('a follower that is closed while it waits to try again does not', async () => {
  const { log, clock, follower, openReader } = setUp();
  const reader = await openReader();
  reader.batches$.error(new Error('broken'));
  await follower.close();
  clock.advance(AGES);
  assert.deepEqual([log.readers.length, clock.pending], [1, 0]);
});

test('records that were gone before they could be read are told', async () => {
  const { openReader, errors } = setUp();
  const reader = await openReader();
  reader.gaps$.next({ topic: 't', partition: 0, from: 3, to: 5 });
  assert.deepEqual(errors(), ['records 3-4 of t/0 were gone before they could be read']);
});

test('a topic that was deleted and created again is told, and caught up with once the new one is read', async () => {
  const ends = [10];
  const { openReader, look, recreated, errors } = setUp({ ends });
  const reader = await openReader();
  reader.at = { t: { 0: 4 } };
  assert.equal(await look(), false);
  ends[0] = 2;
  reader.at = { t: { 0: 0 } };
  reader.gaps$.next({ topic: 't', partition: 0, from: 4, to: 0, recreated: true });
  assert.equal(await look(), false);
  reader.at = { t: { 0: 2 } };
  assert.equal(await look(), true);
  assert.deepEqual(recreated, ['t']);
  assert.match(errors()[0] ?? '', /^the topic t was deleted and created again: /);
});

test('ends are asked for only where somebody wants to know when they are reached', async () => {
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
