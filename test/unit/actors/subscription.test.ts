import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Subscription } from '../../../src/actors/subscription.ts';
import { Batch } from '../../../src/core/batch.ts';
import { systemClock } from '../../../src/core/clock.ts';
import type { StartPosition } from '../../../src/core/log.ts';
import { Message } from '../../../src/core/message.ts';
import { FakeLog, type FakeReader } from './fake-log.ts';
import { keptLogger, turn } from './rig.ts';

function setUp(from: StartPosition = 'latest') {
  const log = new FakeLog();
  const kept = keptLogger();
  const polled: Batch[] = [];
  const subscription = new Subscription({
    log,
    topics: ['t'],
    from,
    clock: systemClock,
    logger: kept.logger,
    polled: (batch) => polled.push(batch),
  });
  const seen: Batch[] = [];
  const errors: unknown[] = [];
  const listen = () =>
    subscription.batches$.subscribe({ next: (batch) => seen.push(batch), error: (error) => errors.push(error) });
  /** Opens, with the positions fixed. */
  const open = async (): Promise<FakeReader> => {
    const opening = subscription.open();
    const reader = log.readers.at(-1) as FakeReader;
    reader.goLive();
    await opening;
    return reader;
  };
  return { log, polled, subscription, seen, failures: errors, listen, open, ...kept };
}

const batch = () => new Batch([new Message(Buffer.from('a'))]);

test('a subscription is open when its positions are fixed, and reports each batch before it hands it on', async () => {
  const { log, subscription, seen, polled, listen } = setUp('earliest');
  listen();
  let isOpen = false;
  const opening = subscription.open().then(() => {
    isOpen = true;
  });
  const [reader] = log.readers;
  await turn();
  assert.equal(isOpen, false);
  assert.deepEqual(reader?.options, { topics: ['t'], from: 'earliest' });
  reader?.goLive();
  await opening;
  const first = batch();
  reader?.batches$.next(first);
  assert.deepEqual([seen, polled], [[first], [first]]);
});

test('pause and resume reach the reader', async () => {
  const { subscription, open } = setUp();
  subscription.pause();
  const reader = await open();
  subscription.pause();
  subscription.resume();
  await subscription.close();
  subscription.resume();
  assert.deepEqual(reader.orders, ['pause', 'resume', 'close']);
});

test('a subscription that is opened again goes on where the last reader was', async () => {
  const { log, subscription, seen, listen, open } = setUp();
  const first = listen();
  const reader = await open();
  reader.at = { t: { 0: 42, 1: 7 } };
  first.unsubscribe();
  await subscription.close();
  listen();
  const next = await open();
  assert.deepEqual(next.options.from, { checkpoint: reader.checkpoint() });
  assert.deepEqual(reader.checkpoint().get('t')?.offsets.get(0), 42);
  reader.batches$.next(batch());
  assert.equal(seen.length, 0);
  next.batches$.next(batch());
  assert.equal(seen.length, 1);
  assert.equal(log.readers.length, 2);
});

test('a reader that never knew its positions does not change where the next one starts', async () => {
  const { log, subscription, open } = setUp('earliest');
  const opening = subscription.open();
  await subscription.close();
  log.readers[0]?.failLive(new Error('closed'));
  await assert.rejects(opening);
  const next = await open();
  assert.equal(next.options.from, 'earliest');
});

test('a reader that fails ends the flow that listens, and the next flow hears the next reader', async () => {
  const { subscription, seen, failures, listen, open } = setUp();
  listen();
  const reader = await open();
  reader.at = { t: { 0: 5 } };
  const error = new Error('broken');
  reader.batches$.error(error);
  assert.deepEqual(failures, [error]);
  await subscription.close();
  listen();
  const next = await open();
  assert.deepEqual(next.options.from, { checkpoint: reader.checkpoint() });
  next.batches$.next(batch());
  assert.deepEqual([seen.length, failures.length], [1, 1]);
});

test('records that were gone before they could be read are reported', async () => {
  const { open, errors } = setUp();
  const reader = await open();
  reader.gaps$.next({ topic: 't', partition: 2, from: 10, to: 15 });
  assert.deepEqual(errors(), ['records 10-14 of t/2 were gone before they could be read']);
});

test('a position that the log does not have is reported as such, with where reading goes on', async () => {
  const { open, errors } = setUp();
  const reader = await open();
  reader.gaps$.next({ topic: 't', partition: 2, from: 9_000, to: 3 });
  assert.deepEqual(errors(), ['t/2 has no offset 9000 (yet, or any more); reading goes on at 3']);
});

test('closing twice closes the reader once', async () => {
  const { subscription, open } = setUp();
  const reader = await open();
  await subscription.close();
  await subscription.close();
  assert.deepEqual(reader.orders, ['close']);
});

test('the end to catch up with is asked for anew where a topic was created again, and that is reported', async () => {
  const log = new FakeLog();
  const kept = keptLogger();
  const ends = [100, 3];
  const offsets = async () => [{ partition: 0, earliest: 0, latest: ends.shift() ?? 3 }];
  Object.assign(log.admin, { offsets });
  let hasCaughtUp = false;
  const caughtUp = () => {
    hasCaughtUp = true;
  };
  const { logger } = kept;
  const polled = () => {};
  const options = { log, topics: ['t'], from: 'earliest', clock: systemClock, logger, polled, caughtUp } as const;
  void new Subscription(options).open();
  const [reader] = log.readers as [FakeReader];
  reader.at = { t: { 0: 60 } };
  reader.goLive();
  await turn();
  reader.at = { t: { 0: 0 } };
  reader.gaps$.next({ topic: 't', partition: 0, from: 60, to: 0, recreated: true });
  reader.at = { t: { 0: 3 } };
  for (const end = Date.now() + 5_000; !hasCaughtUp && Date.now() < end; )
    await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(hasCaughtUp, true);
  assert.deepEqual(kept.errors(), [
    'the topic t was deleted and created again: reading of t/0 was at offset 60 of the old one and goes on at the first record of the new one, 0; what the old one still had is lost',
  ]);
});
