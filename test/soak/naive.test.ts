import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { CountingObserver, openLog, pass, plainKafkajs, reckon, records, until } from '../faults/log-fixture.ts';
import { readTopic } from '../helpers/topic-content.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { requireOwnKafka } from '../services/kafka.ts';

/** What the usual way of doing it does, under the faults that test/faults puts our own lane, group and reader to. */
test('kafkajs as most code uses it, on a Kafka that fails', { timeout: 300_000 }, async (t) => {
  const kafka = await requireOwnKafka(t, { properties: { 'group.initial.rebalance.delay.ms': '0' } });
  if (kafka === undefined) return;
  const log = await openLog(t, kafka.brokers);
  const create = async (partitions: number, config: Record<string, string> = {}) => {
    const topic = uniqueTopic('naive');
    await log.admin.create({ name: topic, partitions, config });
    return topic;
  };

  await t.test('after a record that is too large the next ten are acknowledged and never stored', async () => {
    const topic = await create(2, { 'max.message.bytes': '50000' });
    const producer = plainKafkajs(kafka.brokers).producer({ idempotent: true });
    await producer.connect();
    const ten = (from: number) => records(from, 10).map(({ text }) => ({ value: text, partition: 0 }));
    const large = { value: 'x'.repeat(80_000), partition: 1 };
    await assert.rejects(producer.send({ topic, messages: [...ten(0), large] }));
    const [acknowledged] = await producer.send({ topic, messages: ten(10) });
    await producer.disconnect();
    assert.equal(acknowledged?.errorCode, 0);
    const stored = await readTopic(kafka.brokers, topic);
    assert.equal(reckon([...Array(20).keys()].slice(10), stored).lost, 10);
  });

  await t.test('any member of a group moves the offsets of any other back', async () => {
    const topic = await create(2);
    const groupId = `naive-${randomUUID()}`;
    const start = async () => {
      const consumer = plainKafkajs(kafka.brokers).consumer({ groupId, maxWaitTimeInMs: 100 });
      await consumer.connect();
      await consumer.subscribe({ topics: [topic] });
      let assigned: number[] = [];
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
        assigned = payload.memberAssignment[topic] ?? [];
      });
      await consumer.run({ autoCommit: false, eachBatch: async () => undefined });
      return { consumer, partitions: () => assigned };
    };
    const members = [await start(), await start()] as const;
    await until(() => members.every(({ partitions }) => partitions().length === 1), 20_000, 'one partition each');
    const [owner, other] = members;
    const [partition] = owner.partitions() as [number];
    await owner.consumer.commitOffsets([{ topic, partition, offset: '200' }]);
    await other.consumer.commitOffsets([{ topic, partition, offset: '7' }]);
    assert.equal((await log.admin.committed(groupId, topic)).get(partition), 7);
    await Promise.all(members.map(({ consumer }) => consumer.disconnect()));
  });

  await t.test('a group at the latest record may miss what is written while the broker freezes', async (t) => {
    const topic = await create(3);
    const lane = log.lane(topic, new CountingObserver());
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
    let count = 0;
    const send = async () => {
      assert.deepEqual(await lane.send(records(count, 10)), []);
      count += 10;
      await pass(18);
    };
    await send();
    t.after(() => kafka.resume());
    kafka.pause();
    const waking = pass(15_000).then(() => kafka.resume());
    // The first of these waits until the broker is back.
    while (count < 2_000) await send();
    await waking;
    await consumer.disconnect();
    // How many depends on the moment at which the broker throws its member out: mostly all of the freeze.
    t.diagnostic(`it missed ${count - seen.size} of ${count}`);
  });
});
