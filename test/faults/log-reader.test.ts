import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { Gap, Lane } from '../../src/core/log.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { requireOwnKafka } from '../services/kafka.ts';
import { CountingObserver, openLog, pass, plainKafkajs, records, until } from './log-fixture.ts';

test('the reader on a Kafka that fails', { timeout: 300_000 }, async (t) => {
  const kafka = await requireOwnKafka(t);
  if (kafka === undefined) return;
  const log = await openLog(t, kafka.brokers);
  const create = async (partitions: number, config: Record<string, string> = {}) => {
    const topic = uniqueTopic('reader');
    await log.admin.create({ name: topic, partitions, config });
    return topic;
  };

  /** Writes rising numbers, ten at a time, until it is stopped; resolves with how many are stored. */
  const startLoad = (lane: Lane, pause: number) => {
    let isOn = true;
    let count = 0;
    const done = (async () => {
      while (isOn) {
        const messages = records(count, 10).map((message, at) => message.derive({ key: `k${(count + at) % 20}` }));
        assert.deepEqual(await lane.send(messages), []);
        count += 10;
        await pass(pause);
      }
      return count;
    })();
    const stop = () => {
      isOn = false;
      return done;
    };
    return { stop, count: () => count };
  };

  /** A broadcast as most code does it: a group of its own at the latest record, nothing committed. */
  const startNaive = async (topic: string) => {
    const seen = new Set<number>();
    const consumer = plainKafkajs(kafka.brokers).consumer({
      groupId: `naive-${randomUUID()}`,
      sessionTimeout: 10_000,
      maxWaitTimeInMs: 100,
      metadataMaxAge: 1_000,
    });
    await consumer.connect();
    await consumer.subscribe({ topics: [topic] });
    const joined = new Promise<void>((resolve) => consumer.on(consumer.events.GROUP_JOIN, () => resolve()));
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        for (const { value } of batch.messages) seen.add(Number(value));
      },
    });
    await joined;
    return { seen, stop: () => consumer.disconnect() };
  };

  await t.test('it is live without a group, whose forming it would have to wait for', async (t) => {
    const topic = await create(3);
    const reader = log.reader({ topics: [topic], from: 'latest' });
    await reader.live;
    const admin = plainKafkajs(kafka.brokers).admin();
    t.after(() => admin.disconnect());
    await admin.connect();
    assert.deepEqual((await admin.listGroups()).groups, []);
    await reader.close();
  });

  await t.test('a freeze of 15 s is survived without a gap or a repetition', async (t) => {
    const topic = await create(3);
    const lane = log.lane(topic, new CountingObserver());
    const reader = log.reader({ topics: [topic], from: 'latest' });
    const seen: number[] = [];
    await reader.live;
    reader.batches$.subscribe(({ messages }) => {
      for (const { text } of messages) seen.push(Number(text));
    });
    const load = startLoad(lane, 18);
    const naive = await startNaive(topic);
    await pass(500);
    const first = load.count();
    t.after(() => kafka.resume());
    kafka.pause();
    await pass(15_000);
    kafka.resume();
    const before = load.count();
    await until(() => load.count() > before + 2_000, 30_000, 'load after the freeze');
    const total = await load.stop();
    await until(() => seen.length >= total, 30_000, `${seen.length} of ${total} records`);
    assert.equal(seen.length, total);
    assert.equal(new Set(seen).size, total);
    await reader.close();
    await naive.stop();
    // How many depends on the moment at which the broker throws its member out: mostly all of the freeze.
    const missed = Array.from({ length: total - first }, (_, at) => first + at).filter((n) => !naive.seen.has(n));
    t.diagnostic(`a group at the latest record missed ${missed.length} of ${total}`);
  });

  await t.test('a partition that is added under load is read from its first record', async () => {
    const topic = await create(1);
    const lane = log.lane(topic, new CountingObserver());
    const reader = log.reader({ topics: [topic], from: 'latest' });
    const seen: number[] = [];
    reader.batches$.subscribe(({ messages }) => {
      for (const { text } of messages) seen.push(Number(text));
    });
    await reader.live;
    const load = startLoad(lane, 18);
    await pass(500);
    await log.admin.addPartitions(topic, 4);
    await pass(9_000);
    const total = await load.stop();
    await until(() => seen.length >= total, 30_000, 'all records');
    assert.equal(new Set(seen).size, total);
    assert.equal(seen.length, total);
    assert.deepEqual([...(reader.positions().get(topic)?.keys() ?? [])].sort(), [0, 1, 2, 3]);
    await reader.close();
  });

  await t.test('records that retention removed in front of a paused reader are a gap with both ends', async () => {
    const topic = await create(1);
    const lane = log.lane(topic, new CountingObserver());
    await lane.send(records(0, 100));
    const reader = log.reader({ topics: [topic], from: 'earliest' });
    const offsets: number[] = [];
    const gaps: Gap[] = [];
    reader.gaps$.subscribe((gap) => gaps.push(gap));
    reader.batches$.subscribe(({ messages }) => {
      for (const { offset } of messages) offsets.push(offset);
    });
    await until(() => offsets.length === 100, 10_000, 'the first hundred');
    reader.pause();
    await pass(200);
    await lane.send(records(100, 100));
    const admin = plainKafkajs(kafka.brokers).admin();
    await admin.connect();
    // kafkajs knows no topic that it was not asked about before.
    await admin.fetchTopicMetadata({ topics: [topic] });
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '150' }] });
    await admin.disconnect();
    reader.resume();
    await until(() => offsets.length === 150, 10_000, 'the rest');
    assert.deepEqual(gaps, [{ topic, partition: 0, from: 100, to: 150 }]);
    assert.equal(offsets[100], 150);
    await reader.close();
  });

  await t.test('a close takes no longer with a frozen broker', async (t) => {
    const topic = await create(1);
    const reader = log.reader({ topics: [topic], from: 'latest' });
    reader.batches$.subscribe();
    await reader.live;
    t.after(() => kafka.resume());
    kafka.pause();
    await pass(300);
    const started = Date.now();
    await reader.close();
    // A fetch that was sent waits 30 s for its answer.
    assert.ok(Date.now() - started < 3_000, `took ${Date.now() - started} ms`);
  });
});
