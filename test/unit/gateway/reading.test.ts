import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Consumer } from '../../../src/actors/consumer-group/consumer.ts';
import { ConsumerGroup } from '../../../src/actors/consumer-group/consumer-group.ts';
import { Groups } from '../../../src/actors/consumer-group/groups.ts';
import { LogLink } from '../../../src/actors/log-link/log-link.ts';
import { Subscription } from '../../../src/actors/subscription.ts';
import { Topic } from '../../../src/actors/topic/topic.ts';
import { Batch } from '../../../src/core/batch.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import { InternalTopics } from '../../../src/core/internal-topics.ts';
import { Message } from '../../../src/core/message.ts';
import { Reading } from '../../../src/gateway/reading.ts';
import { Follower } from '../../../src/tables/follower.ts';
import { EventHub, type GatewayEventName } from '../../../src/telemetry/events.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { NO_TRACING } from '../../../src/telemetry/tracing.ts';
import { FakeLog } from '../actors/fake-log.ts';
import { keptLogger, turn } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';

/* The events of a gateway that its parts make where something happens: its log, what it writes to, and what it reads. */

const QUIET = { retrying() {}, recovered() {}, duplicatesPossible() {} };
const GONE = new TidegateError('TG_LOG_UNAVAILABLE', 'no broker answers');

function setUp() {
  const log = new FakeLog();
  const { logger } = keptLogger();
  const events = new EventHub(logger);
  const stats = createStats();
  const heard: unknown[][] = [];
  const names: GatewayEventName[] = ['producer-ready', 'producer-error', 'consumer-ready', 'consumer-error'];
  for (const name of names)
    events.on(name, (...facts: unknown[]) =>
      heard.push([name, ...facts.map((fact) => (fact instanceof TidegateError ? fact.message : fact))]),
    );
  const internalTopics = new InternalTopics(['cursors']);
  const reading = new Reading({ stats, tracing: NO_TRACING, events, internalTopics });
  const subscribe = (topic: string) => {
    const report = { polled: () => {}, report: reading };
    const subscription = new Subscription({
      ...report,
      log,
      topics: [topic],
      from: 'latest',
      clock: systemClock,
      logger,
    });
    subscription.batches$.subscribe({ error: () => {} });
    return subscription;
  };
  return { log, logger, events, stats, heard, reading, subscribe };
}

test('an event is emitted when the connection to the log changes, and none once it is closed on purpose', () => {
  const { log, logger, events, heard } = setUp();
  const link = new LogLink(log, logger, events);
  log.link$.next({ state: 'up' });
  log.link$.next({ state: 'up' });
  log.link$.next({ state: 'down', reason: 'no broker answers' });
  log.link$.next({ state: 'down', reason: 'still none' });
  log.link$.next({ state: 'up' });
  link.close();
  log.link$.next({ state: 'down', reason: 'closed' });
  assert.deepEqual(heard, [
    ['producer-ready', { driver: 'fake' }],
    ['producer-error', 'the log is not available: no broker answers', { driver: 'fake' }],
    ['producer-ready', { driver: 'fake' }],
  ]);
});

test('an event is emitted when a write is repeated, and when writes succeed again', () => {
  const { log, logger, events, stats, heard } = setUp();
  new Topic({ name: 'orders', log, logger, stats, tracing: NO_TRACING, events });
  const observer = log.lanes.get('orders')?.observer ?? QUIET;
  observer.retrying(GONE);
  observer.recovered();
  observer.duplicatesPossible(GONE);
  const about = { driver: 'fake', topic: 'orders' };
  assert.deepEqual(heard, [
    ['producer-error', 'no broker answers', about],
    ['producer-ready', about],
    ['producer-error', 'no broker answers', about],
  ]);
});

test('a reader emits one event when it is live, and one when it fails', async () => {
  const { log, heard, subscribe } = setUp();
  const opening = subscribe('orders').open();
  log.readers[0]?.goLive();
  await opening;
  log.readers[0]?.batches$.error(GONE);
  assert.deepEqual(heard, [
    ['consumer-ready', { topics: ['orders'] }],
    ['consumer-error', 'no broker answers', { topics: ['orders'] }],
  ]);
});

test('a reader that fails before it is live emits one event, and one that is closed emits none', async () => {
  const { log, heard, subscribe } = setUp();
  const opening = subscribe('orders').open();
  log.readers[0]?.failLive(GONE);
  await assert.rejects(opening, GONE);
  log.readers[0]?.batches$.error(GONE);
  const other = subscribe('orders');
  const otherOpening = other.open();
  await other.close();
  log.readers[1]?.failLive(GONE);
  await assert.rejects(otherOpening, GONE);
  assert.deepEqual(heard, [['consumer-error', 'no broker answers', { topics: ['orders'] }]]);
});

test('a reader whose flow fails before it is live is never reported as ready', async () => {
  const { log, heard, subscribe } = setUp();
  const opening = subscribe('orders').open();
  log.readers[0]?.batches$.error(GONE);
  log.readers[0]?.goLive();
  await opening;
  assert.deepEqual(heard, [['consumer-error', 'no broker answers', { topics: ['orders'] }]]);
});

test('a topic that a program reads emits an event for each reader that is live, and for each that fails', async () => {
  const { log, logger, heard, reading } = setUp();
  const clock = new HandClock();
  const next = () => {};
  const follower = new Follower({ log, topics: ['orders'], from: 'latest', logger, clock, report: reading, next });
  follower.open();
  log.readers[0]?.goLive();
  await turn();
  log.readers[0]?.batches$.error(GONE);
  clock.advance(10_000);
  log.readers[1]?.goLive();
  await turn();
  await follower.close();
  const topics = ['orders'];
  assert.deepEqual(heard, [
    ['consumer-ready', { topics }],
    ['consumer-error', 'no broker answers', { topics }],
    ['consumer-ready', { topics }],
  ]);
});

test('internal topics emit no events, whatever their names are', async () => {
  const { log, heard, subscribe } = setUp();
  for (const [index, topic] of ['_tidegate.lobby.presence', 'cursors'].entries()) {
    const opening = subscribe(topic).open();
    log.readers[index]?.goLive();
    await opening;
  }
  assert.deepEqual(heard, []);
});

test('a member of a group emits events of assignments and failures, and is known until it has left', async () => {
  const { log, logger, heard, reading } = setUp();
  const topics = ['orders'];
  const options = { log, logger, group: 'billing', topics, from: 'latest' } as const;
  const group = new ConsumerGroup({ ...options, polled: () => {}, report: reading });
  await group.open();
  const [member] = log.members;
  const state = () => reading.members.map(({ state, partitions }) => [state, partitions.length]);
  const partitions = [0, 1].map((partition) => ({ topic: 'orders', partition }));
  const seen = [state()];
  member?.events$.next({ type: 'assigned', generation: 1, partitions, added: partitions, removed: [], members: [] });
  seen.push(state());
  member?.events$.next({ type: 'rebalancing' });
  seen.push(state());
  member?.events$.next({ type: 'failed', reason: GONE });
  seen.push(state());
  member?.events$.next({ type: 'joining' });
  seen.push(state());
  await group.close();
  assert.deepEqual(
    seen.map(([one]) => one),
    [
      ['joining', 0],
      ['stable', 2],
      ['rebalancing', 2],
      ['failed', 0],
      ['joining', 0],
    ],
  );
  assert.deepEqual(reading.members, []);
  assert.deepEqual(heard, [
    ['consumer-ready', { group: 'billing', topics, partitions: 2 }],
    ['consumer-error', 'no broker answers', { group: 'billing', topics }],
  ]);
});

test('a group of clients whose flow broke is no longer a member once it is left, whatever its driver says', async () => {
  const { log, logger, reading } = setUp();
  const clock = new HandClock();
  const groups = new Groups({ log, logger, clock, maxHeld: 1_000, polled: () => {}, report: reading });
  const consumer = { topics: ['orders'], room: 0, take: () => {}, assigned: () => {} } as unknown as Consumer;
  groups.join({ group: 'billing', topics: ['orders'], from: 'latest', consumer });
  assert.deepEqual(
    reading.members.map(({ group, topics }) => [group, topics]),
    [['billing', ['orders']]],
  );
  log.members[0]?.batches$.error(GONE);
  assert.deepEqual(reading.members, []);
  clock.advance(10_000);
  assert.equal(reading.members.length, 1);
  await groups.stop(0);
  assert.deepEqual(reading.members, []);
});

test('metrics of a topic exist from 0 on before it is read, and count the records', () => {
  const { stats, reading } = setUp();
  const counted = () =>
    stats.snapshot().flatMap(({ name, points }) => points.map((point) => [name, 'value' in point ? point.value : NaN]));
  reading.opening(['orders']);
  assert.deepEqual(counted(), [
    ['tidegate_records_consumed_total', 0],
    ['tidegate_reader_gap_records_total', 0],
    ['tidegate_reader_recreated_partitions_total', 0],
  ]);
  const messages = [1, 2].map(() => new Message(Buffer.from('x'), { topic: 'orders' }));
  reading.polled(new Batch(messages), undefined);
  assert.deepEqual(counted()[0], ['tidegate_records_consumed_total', 2]);
});
