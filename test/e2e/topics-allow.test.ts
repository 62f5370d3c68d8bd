import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { startGateway } from '../helpers/gateway-process.ts';
import { KafkaAdmin } from '../helpers/kafka-admin.ts';
import { TopicsClient } from '../helpers/topics-client.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { requireKafka } from '../services/kafka.ts';

/** The endpoints of the fixture, and the topics PREFIX-a to PREFIX-d with one record in each. */
async function prepare(t: TestContext) {
  const service = await requireKafka(t);
  if (service === undefined) return undefined;
  const prefix = uniqueTopic('allow');
  const env = { KAFKA_BROKERS: service.brokers, PREFIX: prefix };
  const gateway = await startGateway(t, { config: 'test/fixtures/topics.yaml', env });
  const kafka = await KafkaAdmin.connect(t, service.brokers);
  const topics = ['a', 'b', 'c', 'd'].map((name) => `${prefix}-${name}`) as [string, string, string, string];
  for (const topic of topics) {
    await kafka.create(topic);
    await kafka.produce(topic, [{ value: topic }]);
  }
  await gateway.ready();
  return { gateway, kafka, prefix, topics, open: (path: string) => TopicsClient.open(gateway.port, path) };
}

test('clients may do what their endpoint allows, and nothing without a setting', async (t) => {
  const stage = await prepare(t);
  if (stage === undefined) return;
  const { kafka, prefix, topics, open } = stage;
  const [a, b, c] = topics;
  const refused = async (reply: Promise<{ s: number; code?: string; p?: unknown }>, name: string) => {
    const { s, code, p } = await reply;
    assert.deepEqual([s, code], [1, 'TG_NOT_ALLOWED'], name);
    assert.ok(String(p).includes(name), `"${p}" does not name ${name}`);
  };
  const listed = async (client: TopicsClient) =>
    new Set(((await client.topic('list')).p as { topic: string }[]).map(({ topic }) => topic));

  await t.test('without allow', async () => {
    const client = await open('/closed');
    await refused(client.topic('create', [`${prefix}-e`]), `${prefix}-e`);
    await refused(client.topic('subscribe', { t: a }), a);
    await refused(client.publish(a, 'x'), a);
    assert.deepEqual(await listed(client), new Set());
    assert.equal((await client.ask('health', undefined)).s, 0);
    assert.equal(client.closed, undefined);
  });

  await t.test('by names and patterns', async () => {
    const client = await open('/named');
    assert.deepEqual(await listed(client), new Set([a, b]));
    await refused(client.topic('create', [`${prefix}-old`]), `${prefix}-old`);
    await refused(client.topic('create', [`${prefix}-new-1`, `${prefix}-old`]), `${prefix}-old`);
    assert.deepEqual((await client.topic('create', [`${prefix}-new-1`])).p, [`${prefix}-new-1`]);
    assert.ok((await listed(client)).has(`${prefix}-new-1`));
    await refused(client.publish(a, 'x'), a);
    assert.equal((await client.publish(b, 'x')).s, 0);
    assert.equal((await client.publish(`${prefix}-new-1`, 'x')).s, 0);
    await refused(client.topic('subscribe', { t: [a, b] }), b);
    await refused(client.topic('subscribe', { t: c, wait: true }), c);
    await refused(client.topic('subscribe', { t: a, consumer_group: 'team-1' }), 'team-1');
    const from = 'earliest';
    assert.equal((await client.topic('subscribe', { t: a, from })).s, 0);
    await client.receives(1);
    assert.deepEqual(client.contents, [a]);
    await kafka.commits(`${prefix}-team-default`, a, [1]);
    assert.equal((await client.topic('subscribe', { t: a, consumer_group: `${prefix}-team-1`, from })).s, 0);
    await client.receives(2);
  });

  await t.test('but never with the topics of brokers and gateways', async () => {
    const client = await open('/open');
    const ours = `_tidegate.${prefix}.presence`;
    await kafka.create(ours);
    for (const name of ['__consumer_offsets', ours]) assert.ok(await kafka.has(name), name);
    const shown = [...(await listed(client))];
    assert.ok(topics.every((topic) => shown.includes(topic)));
    assert.deepEqual(
      shown.filter((name) => name.startsWith('__') || name.startsWith('_tidegate')),
      [],
    );
    for (const topic of ['__consumer_offsets', ours, '__mine', '_tidegate.mine']) {
      await refused(client.topic('subscribe', { t: [a, topic], from: 'earliest', wait: true }), topic);
      await refused(client.publish(topic, 'x'), topic);
      await refused(client.topic('create', [topic]), topic);
    }
    assert.deepEqual((await kafka.admin.fetchTopicOffsets(ours))[0]?.high, '0');
  });
});

test('limits of an endpoint: topics of a subscription, topics created a minute', async (t) => {
  const stage = await prepare(t);
  if (stage === undefined) return;
  const { gateway, prefix, topics, open } = stage;
  const client = await open('/limited');
  const many = await client.topic('subscribe', { t: topics.slice(0, 3), from: 'earliest' });
  assert.deepEqual([many.s, many.code, many.retryable], [1, 'TG_LIMIT_REACHED', true]);
  assert.match(String(many.p), /2 topics/);
  const group = `${prefix}-limited`;
  const two = topics.slice(0, 2);
  assert.equal((await client.topic('subscribe', { t: two, consumer_group: group, from: 'earliest' })).s, 0);
  await client.receives(2);
  assert.deepEqual(client.contents.toSorted(), two);

  const names = ['e', 'f', 'g', 'h'].map((name) => `${prefix}-${name}`);
  assert.equal((await client.topic('create', names.slice(0, 2))).s, 0);
  const third = await client.topic('create', names.slice(2));
  assert.deepEqual([third.s, third.code, third.retryable], [1, 'TG_LIMIT_REACHED', true]);
  assert.match(String(third.p), /3 topics a minute/);
  assert.equal((await client.topic('create', names.slice(2, 3))).s, 0);
  assert.equal((await client.topic('create', names.slice(3))).s, 1);
  const again = await open('/limited');
  assert.equal((await again.topic('create', names.slice(3))).s, 1, 'another connection of the same address');
  const other = await TopicsClient.open(gateway.port, '/limited', { localAddress: '127.0.0.2' });
  assert.equal((await other.topic('create', names.slice(3))).s, 0, 'each address has its own minute');
});

test('an endpoint sets group, start, pause and manual commits for subscriptions', async (t) => {
  const stage = await prepare(t);
  if (stage === undefined) return;
  const { kafka, prefix, topics, open } = stage;
  const [topic] = topics;
  const [client, asked, witness] = [await open('/defaults'), await open('/defaults'), await open('/open')];
  const replies = await Promise.all([
    client.topic('subscribe', { t: topic }),
    asked.topic('subscribe', { t: topic, consumer_group: `${prefix}-auto`, commit: 'auto' }),
    witness.topic('subscribe', { t: topic, consumer_group: `${prefix}-witness`, from: 'earliest' }),
  ]);
  assert.deepEqual(
    replies.map(({ s }) => s),
    [0, 0, 0],
  );
  await witness.receives(1);
  assert.deepEqual([client.records.length, asked.records.length], [0, 0]);
  for (const paused of [client, asked]) {
    assert.equal((await paused.topic('resume')).s, 0);
    await paused.receives(1);
  }
  await kafka.commits(`${prefix}-auto`, topic, [1]);
  assert.deepEqual(await kafka.committed(`${prefix}-default`, topic), [0], 'this one commits by itself');
  assert.equal((await client.topic('commit')).s, 0);
  await kafka.commits(`${prefix}-default`, topic, [1]);
});
