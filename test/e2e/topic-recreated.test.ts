import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestClient } from '../helpers/client.ts';
import { startGateway, until } from '../helpers/gateway-process.ts';
import { KafkaAdmin } from '../helpers/kafka-admin.ts';
import { readTopic } from '../helpers/topic-content.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { requireKafka } from '../services/kafka.ts';

test('of a topic that is deleted and created again while it is read, clients and a group get every record', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const admin = await KafkaAdmin.connect(t, kafka.brokers);
  const topic = uniqueTopic('recreated');
  await admin.create(topic);
  await admin.create(`${topic}-copies`);
  const env = { KAFKA_BROKERS: kafka.brokers, TOPIC: topic };
  const gateway = await startGateway(t, { config: 'test/fixtures/recreated.yaml', env });
  await gateway.ready();
  await admin.commits(`${topic}-copy`, topic, [0]);
  const client = await TestClient.open(`ws://127.0.0.1:${gateway.port}/ws`);
  const numbers = (from: number, count: number) => Array.from({ length: count }, (_, at) => from + at);
  const produce = (from: number, count: number) =>
    admin.produce(
      topic,
      numbers(from, count).map((n) => ({ value: JSON.stringify({ n }) })),
    );
  const got = () => client.frames.map((frame) => (JSON.parse(frame.toString()) as { n: number }).n);

  await produce(0, 20);
  await client.until(() => got().length === 20);
  await admin.commits(`${topic}-copy`, topic, [20]);
  // The new one has more records than the old one, so that no position in it is out of range.
  await admin.admin.deleteTopics({ topics: [topic] });
  await until(
    async () => !(await admin.has(topic)),
    30_000,
    () => 'the topic is not deleted',
  );
  await admin.create(topic);
  await produce(100, 40);

  const all = [...numbers(0, 20), ...numbers(100, 40)];
  await client.until(() => got().length >= all.length).catch(() => undefined);
  assert.deepEqual(got(), all);
  await admin.commits(`${topic}-copy`, topic, [40]);
  const copies = (await readTopic(kafka.brokers, `${topic}-copies`)).map(
    ({ value }) => JSON.parse(value) as { n: number },
  );
  assert.deepEqual(
    copies.map(({ n }) => n),
    all,
  );

  const told = gateway
    .output()
    .split('\n')
    .filter((line) => line.includes(`${topic} was deleted and created again`));
  assert.equal(told.length, 2, 'each of the two pipelines logs it once');
  assert.ok(told.every((line) => line.includes('was at offset 20 of the old one')));
  const { body } = await gateway.get('/metrics');
  assert.match(body, new RegExp(`tidegate_reader_recreated_partitions_total\\{[^}]*topic="${topic}"[^}]*\\} 2\\n`));
  assert.equal((await gateway.get('/ready')).status, 200);
});
