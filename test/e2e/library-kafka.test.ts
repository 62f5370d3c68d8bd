import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGateway, type GatewayEventName, type TopicRecord } from '../../src/index.ts';
import { until } from '../helpers/gateway-process.ts';
import { KafkaAdmin } from '../helpers/kafka-admin.ts';
import { readTopic } from '../helpers/topic-content.ts';
import { TopicsClient } from '../helpers/topics-client.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { requireKafka } from '../services/kafka.ts';

const EVENTS: readonly GatewayEventName[] = [
  'ws-connection',
  'ws-close',
  'wss-ready',
  'producer-ready',
  'producer-error',
  'consumer-ready',
  'consumer-error',
  'consumer-message',
  'error',
];

test("a program with S2's options on a real Kafka: clients, events, records, and a stop with nothing open", async (t) => {
  const service = await requireKafka(t);
  if (service === undefined) return;
  const [topic, group] = [uniqueTopic('embedded'), uniqueTopic('embedded-group')];
  const gateway = await createGateway({
    s2: {
      kafka_config: { kafkaHost: service.brokers },
      consumer_config: { groupId: group, fromOffset: 'earliest', autoCommitIntervalMs: 200 },
      websocket_config: { port: 0 },
    },
    config: { shutdown: { jitter: '0s' } },
    logger: 'silent',
  });
  t.after(() => gateway.stop());
  const heard: string[] = [];
  for (const name of EVENTS) gateway.on(name, () => void heard.push(name));
  const consumed: [string | null, string | undefined][] = [];
  gateway.on('consumer-message', ({ value }, by) => void consumed.push([value?.toString() ?? null, by.group]));
  await gateway.start();
  await until(
    () => gateway.inspect().ready,
    30_000,
    () => gateway.inspect().reasons.join(', '),
  );

  const client = await TopicsClient.open(gateway.ports().listeners.topics ?? 0);
  assert.equal((await client.topic('create', [topic])).s, 0);
  const records: TopicRecord[] = [];
  const isReading = new Promise<void>((resolve) => {
    gateway.on('consumer-ready', (facts) => (facts.group === undefined ? resolve() : undefined));
  });
  gateway.topic(topic).records$.subscribe((record) => records.push(record));
  await isReading;
  assert.equal((await client.topic('subscribe', { t: [topic] })).s, 0);
  client.say({ id: 1, t: 'notif', a: 'create', p: { t: topic, m: 'of a client' } });
  await client.receives(1);
  const place = await gateway.topic(topic).publish({ key: 'k', value: 'of the program', headers: { source: 'test' } });
  assert.deepEqual([place.topic, place.partition, place.offset], [topic, 0, 1]);
  await client.receives(2);
  assert.deepEqual(client.contents, ['of a client', 'of the program']);
  await until(
    () => records.length === 2,
    30_000,
    () => `${records.length} records came`,
  );
  assert.deepEqual(
    records.map(({ key, value, offset }) => [key?.toString() ?? null, String(value), offset]),
    [
      [null, 'of a client', 0],
      ['k', 'of the program', 1],
    ],
  );
  assert.deepEqual(
    consumed.filter(([, by]) => by === group).map(([value]) => value),
    ['of a client', 'of the program'],
  );

  const kafka = await KafkaAdmin.connect(t, service.brokers);
  assert.deepEqual(
    (await readTopic(service.brokers, topic)).map(({ value }) => value),
    ['of a client', 'of the program'],
  );
  await kafka.commits(group, topic, [2]);
  const { ready, log, groups } = gateway.inspect();
  assert.deepEqual([ready, log], [true, { driver: 'kafkajs', up: true }]);
  const partitions = [{ topic, partition: 0, lag: 0 }];
  assert.deepEqual(groups, [{ group, topics: [topic], state: 'stable', members: 1, partitions }]);

  await gateway.stop();
  await client.until(() => client.closed !== undefined);
  assert.equal(client.closed?.code, 1012);
  assert.equal(await kafka.members(group), 0);
  const once = new Set(heard);
  for (const name of ['wss-ready', 'producer-ready', 'ws-connection', 'consumer-ready', 'consumer-message', 'ws-close'])
    assert.ok(once.has(name), `there was no ${name}, only ${[...once].join(', ')}`);
  for (const name of ['producer-error', 'consumer-error', 'error'])
    assert.ok(!once.has(name), `there was a ${name}, and nothing had gone wrong`);
});
