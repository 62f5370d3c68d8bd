import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startGateway, until } from '../helpers/gateway-process.ts';
import { KafkaAdmin } from '../helpers/kafka-admin.ts';
import { readTopic } from '../helpers/topic-content.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { requireKafka } from '../services/kafka.ts';

const PARTITIONS = 4;
const START = 1_700_000_000_000;
/** Orders and their payments are so far apart; the join looks further. */
const PAID_AFTER = 5_000;
/** Where the time of all partitions goes at the end, so that no order waits any longer. */
const END = START + 86_400_000;

const config = (orders: string, payments: string, paid: string) => `log: { brokers: "\${KAFKA_BROKERS}" }
admin: { port: "\${ADMIN_PORT}" }
pipelines:
  paid:
    source: { topic: { names: [${orders}, ${payments}], group: ${paid}, from: earliest } }
    processors:
      - join: { left: ${orders}, right: ${payments}, within: 10s, type: left, time: "\${! json.at }" }
    sink: { topic: { name: ${paid} } }
`;

test('each order comes with its payment, or without, when a gateway is killed', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const [orders, payments, paid] = [uniqueTopic('orders'), uniqueTopic('payments'), uniqueTopic('paid')];
  const admin = await KafkaAdmin.connect(t, kafka.brokers);
  for (const topic of [orders, payments]) await admin.create(topic, PARTITIONS);
  await admin.create(paid);
  const path = join(process.env.TMPDIR ?? '/tmp', `${paid}.yaml`);
  writeFileSync(path, config(orders, payments, paid));
  const gateway = async () => {
    const started = await startGateway(t, { args: ['run', path], env: { KAFKA_BROKERS: kafka.brokers } });
    await started.ready();
    return started;
  };
  const expected = new Map<string, number | null>();
  let next = 0;
  const order = (count: number) =>
    Array.from({ length: count }, () => {
      const id = next;
      next += 1;
      const at = START + id * 1_000;
      expected.set(String(id), id % 3 === 0 ? null : at + PAID_AFTER);
      return { key: String(id), at };
    });
  const produce = (topic: string, list: readonly { key: string; at: number; partition?: number }[]) =>
    admin.produce(
      topic,
      list.map(({ key, at, ...place }) => ({ key, value: JSON.stringify({ at }), ...place })),
    );
  const pay = (list: readonly { key: string; at: number }[]) =>
    produce(
      payments,
      list.filter(({ key }) => Number(key) % 3 !== 0).map(({ key, at }) => ({ key, at: at + PAID_AFTER })),
    );
  const stored = async () => {
    const results = new Map<string, Set<number | null>>();
    for (const { value } of await readTopic(kafka.brokers, paid)) {
      const { key, right } = JSON.parse(value) as { key: string; right: { at: number } | null };
      if (key !== 'end') results.set(key, (results.get(key) ?? new Set()).add(right?.at ?? null));
    }
    return results;
  };

  const [first, second] = await Promise.all([gateway(), gateway()]);
  const early = order(60);
  await produce(orders, early);
  await pay(early.slice(0, 40));
  await until(
    async () => (await stored()).size >= 20,
    60_000,
    () => `nothing is joined\n${second.output().slice(-2_000)}`,
  );
  await first.stop('SIGKILL');
  const late = order(40);
  await produce(orders, late);
  await pay([...early.slice(40), ...late]);
  const ends = Array.from({ length: PARTITIONS }, (_, partition) => ({ key: 'end', at: END, partition }));
  for (const topic of [orders, payments]) await produce(topic, ends);
  await until(
    async () => (await stored()).size >= expected.size,
    60_000,
    () => `not all orders have come\n${second.output().slice(-2_000)}`,
  );
  assert.equal(await second.stop(), 0);
  const results = await stored();
  assert.deepEqual(
    [...expected].filter(([key, at]) => results.get(key)?.size !== 1 || results.get(key)?.has(at) !== true),
    [],
  );
  assert.equal(results.size, expected.size);
});

test('topics with different numbers of partitions are not joined, until they have as many', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const [orders, payments, paid] = [uniqueTopic('orders'), uniqueTopic('payments'), uniqueTopic('paid')];
  const admin = await KafkaAdmin.connect(t, kafka.brokers);
  await admin.create(orders, 2);
  await admin.create(payments, 1);
  await admin.create(paid);
  const path = join(process.env.TMPDIR ?? '/tmp', `${paid}.yaml`);
  writeFileSync(path, config(orders, payments, paid));
  const gateway = await startGateway(t, { args: ['run', path], env: { KAFKA_BROKERS: kafka.brokers } });
  const mistake = `${payments} has 1, ${orders} has 2`;
  await until(
    async () => gateway.output().includes(mistake),
    30_000,
    () => `nothing is said of it\n${gateway.output().slice(-2_000)}`,
  );
  await admin.admin.createPartitions({ topicPartitions: [{ topic: payments, count: 2 }] });
  await gateway.ready();
});
