import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import Broker from 'kafkajs/src/broker/index.js';
import ConnectionPool from 'kafkajs/src/network/connectionPool.js';
import { systemClock } from '../../src/core/clock.ts';
import type { Gap, Log } from '../../src/core/log.ts';
import type { Logger } from '../../src/telemetry/logger.ts';
import { createStats, type Stats } from '../../src/telemetry/stats.ts';
import { commit } from '../../src/testing/contract/commit.ts';
import {
  ackAll,
  Collector,
  createAgain,
  createTopic,
  eventually,
  Joined,
  laneOf,
  numbers,
  offsetsOf,
  pass,
  records,
  store,
  texts,
  uniqueName,
} from '../../src/testing/contract/fixture.ts';
import { createClient } from '../../src/transports/kafka/connection/client.ts';
import { Cluster } from '../../src/transports/kafka/connection/cluster.ts';
import { createKafkaLog } from '../../src/transports/kafka/index.ts';
import { KafkaAdmin } from '../helpers/kafka-admin.ts';
import { requireKafka } from '../services/kafka.ts';

/** API keys of https://kafka.apache.org/protocol#protocol_api_keys */
const FETCH = 1;
const METADATA = 3;

const noop = () => undefined;
const logger: Logger = { debug: noop, info: noop, warn: noop, error: noop, child: () => logger };

async function open(
  t: TestContext,
  client_id = 'topic-ids',
): Promise<{ log: Log; stats: Stats; brokers: string } | undefined> {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return undefined;
  const stats = createStats();
  const settings = { brokers: kafka.brokers.split(','), client_id, logger, stats, clock: systemClock };
  const log = createKafkaLog(settings);
  await log.open();
  t.after(() => log.close());
  return { log, stats, brokers: kafka.brokers };
}

/** From here on brokers say that they speak these versions at most, as older ones do. */
function asOlderBrokers(t: TestContext, highest: Readonly<Record<number, number>>): void {
  const prototype = Broker.prototype as unknown as { apiVersions(): Promise<Record<number, { maxVersion: number }>> };
  const { apiVersions } = prototype;
  t.after(() => {
    prototype.apiVersions = apiVersions;
  });
  prototype.apiVersions = async function capped() {
    const versions = await apiVersions.call(this);
    for (const [key, maxVersion] of Object.entries(highest))
      versions[Number(key)] = { ...versions[Number(key)], maxVersion };
    return versions;
  };
}

/** Lets a log's requests fail while it is cut off. */
function cable(t: TestContext, clientId: string): { isCut: boolean } {
  const state = { isCut: false };
  const prototype = ConnectionPool.prototype as {
    send: (this: { pool: readonly object[] }, request: never) => unknown;
  };
  const { send } = prototype;
  t.after(() => {
    prototype.send = send;
  });
  prototype.send = async function cutOff(request) {
    const [connection] = this.pool as readonly { readonly clientId: string }[];
    if (state.isCut && connection?.clientId === clientId) throw new Error('cut off');
    return send.call(this, request);
  };
  return state;
}

/** Without being a member, which Kafka allows while the group has none. kafkajs's own call leaves out the note. */
async function commitAsNobody(
  t: TestContext,
  brokers: string,
  groupId: string,
  topic: string,
  offset: number,
  metadata: string | null,
): Promise<void> {
  const cluster = new Cluster(createClient({ brokers: brokers.split(','), clientId: 'nobody', logger }), 5_000);
  t.after(() => cluster.close());
  const coordinator = await cluster.coordinator(groupId);
  await coordinator.request('OffsetCommit', {
    groupId,
    groupGenerationId: -1,
    memberId: '',
    retentionTime: -1,
    topics: [{ topic, partitions: [{ partition: 0, offset: String(offset), metadata }] }],
  });
}

function watch(t: TestContext, log: Log, topic: string) {
  const reader = log.reader({ topics: [topic], from: 'earliest' });
  t.after(() => reader.close());
  const gaps: Gap[] = [];
  reader.gaps$.subscribe((gap) => gaps.push(gap));
  return { reader, gaps, seen: new Collector(reader.batches$) };
}

test('a gap by another topic of the same name is counted once for each partition', async (t) => {
  const opened = await open(t);
  if (opened === undefined) return;
  const { log, stats } = opened;
  const topic = await createTopic(t, log);
  await store(laneOf(t, log, topic), records(20));
  const { seen, gaps } = watch(t, log, topic);
  await seen.atLeast(20);
  await createAgain(log, topic);
  await store(laneOf(t, log, topic), records(40));
  await seen.atLeast(60);
  assert.equal(gaps.length, 1);
  assert.equal(stats.counter('tidegate_reader_recreated_partitions_total', { topic }).value, 1);
  assert.equal(stats.counter('tidegate_reader_gap_records_total', { topic }).value, 0);
});

test('an offset that was committed late, of a topic that is gone, does not count for the new one', async (t) => {
  const opened = await open(t);
  if (opened === undefined) return;
  const { log, brokers } = opened;
  const kafka = await KafkaAdmin.connect(t, brokers);
  const topic = await createTopic(t, log);
  const group = uniqueName('group');
  const options = { group, topics: [topic], from: 'latest' } as const;
  const first = new Joined(t, log, options, ackAll);
  await first.owns(1);
  await store(laneOf(t, log, topic), records(20));
  await eventually(async () => (await log.admin.committed(group, topic)).get(0) === 20, '20 is committed');
  await first.member.leave();
  const [old] = await kafka.admin.fetchOffsets({ groupId: group, topics: [topic] });
  const { metadata } = old?.partitions[0] ?? {};
  assert.match(metadata ?? '', /^\{"topic_id":"[A-Za-z0-9_-]{22}"\}$/);
  await createAgain(log, topic);
  await store(laneOf(t, log, topic), records(40));
  // As by a gateway that was frozen; without its note Kafka's own tools have set it, and mean the topic that is there.
  const commit = (offset: number, note: string | null) => commitAsNobody(t, brokers, group, topic, offset, note);
  await commit(20, metadata ?? null);
  assert.deepEqual(await kafka.committed(group, topic), [20]);
  assert.deepEqual([...(await log.admin.committed(group, topic))], []);
  const second = new Joined(t, log, options, ackAll);
  assert.deepEqual(offsetsOf(await second.seen.atLeast(40)), numbers(0, 40));
  assert.deepEqual(second.gaps, [{ topic, partition: 0, from: 20, to: 0, recreated: true }]);
  await eventually(async () => (await log.admin.committed(group, topic)).get(0) === 40, '40 is committed');
  await second.member.leave();
  for (const note of [null, 'set by hand', '{"replay":3}']) {
    await commit(30, note);
    assert.deepEqual([...(await log.admin.committed(group, topic))], [[0, 30]], `with the note ${note}`);
  }
  const third = new Joined(t, log, options, ackAll);
  assert.deepEqual(offsetsOf(await third.seen.atLeast(10)), numbers(30, 40));
  assert.deepEqual(third.gaps, []);
});

test('what the admin sets counts for the topic that is there, and not for the next one', async (t) => {
  const opened = await open(t);
  if (opened === undefined) return;
  const { log, brokers } = opened;
  const kafka = await KafkaAdmin.connect(t, brokers);
  const topic = await createTopic(t, log);
  const group = uniqueName('group');
  await log.admin.setCommitted(group, topic, new Map([[0, 7]]));
  assert.deepEqual([...(await log.admin.committed(group, topic))], [[0, 7]]);
  const [old] = await kafka.admin.fetchOffsets({ groupId: group, topics: [topic] });
  await createAgain(log, topic);
  await commitAsNobody(t, brokers, group, topic, 7, old?.partitions[0]?.metadata ?? null);
  assert.deepEqual(await kafka.committed(group, topic), [7]);
  assert.deepEqual([...(await log.admin.committed(group, topic))], []);
});

test('a gateway that loses the broker and its membership meanwhile gets all of the new topic later', async (t) => {
  const opened = await open(t, 'gateway');
  const other = await open(t, 'other');
  if (opened === undefined || other === undefined) return;
  const { log } = opened;
  const topic = await createTopic(t, other.log);
  const group = uniqueName('group');
  const { seen, gaps } = watch(t, log, topic);
  const joined = new Joined(t, log, { group, topics: [topic], from: 'latest', sessionTimeout: 6_000 }, ackAll);
  await joined.owns(1);
  await store(laneOf(t, other.log, topic), records(20));
  await eventually(async () => (await log.admin.committed(group, topic)).get(0) === 20, '20 is committed');
  const line = cable(t, 'gateway');
  line.isCut = true;
  await createAgain(other.log, topic);
  await store(laneOf(t, other.log, topic), records(40, {}, 100));
  await pass(8_000);
  line.isCut = false;
  for (const { messages } of [
    await seen.atLeast(60).then(() => seen),
    await joined.seen.atLeast(60).then(() => joined.seen),
  ])
    assert.deepEqual(texts(messages), [...numbers(0, 20), ...numbers(100, 140)].map(String));
  const stays = () => joined.events.filter(({ type }) => type === 'joining').length;
  await eventually(async () => stays() > 1 && joined.events.at(-1)?.type === 'assigned', 'it was dropped and is back');
  for (const reported of [gaps, joined.gaps])
    assert.deepEqual(reported, [{ topic, partition: 0, from: 20, to: 0, recreated: true }]);
  await eventually(async () => (await log.admin.committed(group, topic)).get(0) === 40, '40 is committed');
  assert.equal(joined.seen.messages.length, 60);
});

test('brokers with ids that fetch by names: all of the new topic comes, and the gap is reported', async (t) => {
  asOlderBrokers(t, { [FETCH]: 12 });
  const opened = await open(t);
  if (opened === undefined) return;
  const { log } = opened;
  const topic = await createTopic(t, log);
  await store(laneOf(t, log, topic), records(20));
  const { reader, seen, gaps } = watch(t, log, topic);
  await seen.atLeast(20);
  reader.pause();
  await createAgain(log, topic);
  await store(laneOf(t, log, topic), records(40, {}, 100));
  reader.resume();
  const isNew = ({ text }: { text: string }) => Number(text) >= 100;
  await seen.until(() => new Set(seen.messages.filter(isNew).map(({ offset }) => offset)).size === 40);
  // Between two looks at the metadata it may have read on in the new one, as if it were the old one.
  assert.deepEqual(
    gaps.map(({ to, recreated }) => ({ to, recreated })),
    [{ to: 0, recreated: true }],
  );
});

test('brokers without ids are read, shared and written to as ever', async (t) => {
  asOlderBrokers(t, { [FETCH]: 12, [METADATA]: 9 });
  const opened = await open(t);
  if (opened === undefined) return;
  const { log, brokers } = opened;
  const kafka = await KafkaAdmin.connect(t, brokers);
  const topic = await createTopic(t, log);
  const group = uniqueName('group');
  await store(laneOf(t, log, topic), records(20));
  const { reader, seen, gaps } = watch(t, log, topic);
  const joined = new Joined(t, log, { group, topics: [topic], from: 'earliest' }, ackAll);
  assert.deepEqual(offsetsOf(await seen.atLeast(20)), numbers(0, 20));
  assert.equal(reader.checkpoint().get(topic)?.id, undefined);
  assert.deepEqual(offsetsOf(await joined.seen.atLeast(20)), numbers(0, 20));
  const slow = new Joined(t, log, { group: `${group}-slow`, topics: [topic], from: 'earliest' });
  await slow.seen.atLeast(20);
  await kafka.commits(group, topic, [20]);
  assert.ok((await log.admin.topics()).has(topic));
  // Only a topic that has fewer records than the old one had shows that it is another.
  await createAgain(log, topic);
  await store(laneOf(t, log, topic), records(5));
  await seen.atLeast(25);
  assert.deepEqual(gaps, [{ topic, partition: 0, from: 20, to: 0 }]);
  await joined.seen.atLeast(25);
  await kafka.commits(group, topic, [5]);
  for (const message of (await slow.seen.atLeast(25)).slice(0, 20)) message.ack();
  await commit(slow.member);
  // -1 where Kafka has removed the offset with the topic.
  const [committed = 0] = await kafka.committed(`${group}-slow`, topic);
  assert.ok(committed <= 0, `what was in flight is gone, and ${committed} is committed`);
});
