import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { loadConfig } from '../../../src/config/index.ts';
import { Message } from '../../../src/core/message.ts';
import { Gateway } from '../../../src/gateway/gateway.ts';
import { GoneTopics } from '../../../src/gateway/gone-topics.ts';
import type { Stats, StatsReader } from '../../../src/telemetry/stats.ts';
import { TestClient } from '../../helpers/client.ts';
import { until } from '../../helpers/gateway-process.ts';
import { TopicsClient } from '../../helpers/topics-client.ts';
import { keptLogger } from '../actors/rig.ts';

const TEXT = `
log: { driver: embedded, embedded: { memory: true } }
admin: { enabled: false }
listeners: { public: { port: 0 } }
endpoints:
  topics: { listener: public, path: "*", codec: topics, allow: { create: "*", read: "*", write: "*", groups: "*" } }
  in: { listener: public, path: /in, codec: json }
  named: { listener: public, path: /named, codec: json }
pipelines:
  named: { source: { endpoint: named }, sink: { topic: { name: "\${! json.to }" } } }
  in: { source: { endpoint: in }, sink: { topic: { name: configured } } }
shutdown: { jitter: 0s }
`;

async function setUp(t: TestContext) {
  const { config } = await loadConfig({ text: TEXT, name: 'test' });
  const gateway = await Gateway.create(config, { logger: keptLogger().logger, servers: {} });
  t.after(() => gateway.stop());
  await gateway.start();
  await gateway.prepared;
  const { context } = gateway;
  const port = gateway.ports().listeners.public ?? 0;
  const client = await TopicsClient.open(port);
  /** Names in the figures, whatever they count. */
  const named = () => {
    // What `createStats` makes is both.
    const figures = context.stats as Stats & StatsReader;
    const points = figures.snapshot().flatMap((metric) => metric.points.map(({ labels }) => labels));
    return new Set(points.flatMap(({ topic }) => topic ?? []));
  };
  return { context, client, port, named, gone: new GoneTopics(context) };
}

test('lane, actor and metrics of a topic that is gone are removed; those of all others stay', async (t) => {
  const { context, client, named, gone } = await setUp(t);
  const names = ['written', 'read', 'stays'];
  assert.equal((await client.topic('create', names)).s, 0);
  for (const name of names) assert.equal((await client.publish(name, 'x')).s, 0);
  assert.equal((await client.topic('subscribe', { t: ['read', 'stays'], from: 'earliest' })).s, 0);
  await client.receives(2);
  assert.equal((await client.topic('unsubscribe')).s, 0);
  await gone.look();
  for (const name of names) assert.ok(named().has(name), name);

  const { actor } = context.topic('configured');
  const written = context.topics.get('written')?.actor;
  for (const name of ['written', 'read', 'configured']) await context.log.admin.delete(name);
  await gone.look();
  assert.deepEqual([...context.topics.keys()].sort(), ['configured', 'stays']);
  assert.equal(written?.getSnapshot().status, 'stopped');
  assert.equal(actor.getSnapshot().status, 'active', 'a pipeline holds on to it');
  assert.deepEqual([...named()].sort(), ['configured', 'stays']);

  assert.equal((await client.publish('stays', 'y')).s, 0);
  assert.equal((await client.topic('create', ['written'])).s, 0);
  const again = await client.publish('written', 'z');
  assert.deepEqual(again.p, { topic: 'written', partition: 0, offset: 0 });
});

test('a topic with in-flight messages is kept, and all topics are if the log cannot list them', async (t) => {
  const { context, client, gone } = await setUp(t);
  assert.equal((await client.topic('create', ['busy'])).s, 0);
  assert.equal((await client.publish('busy', 'x')).s, 0);
  const topic = context.openTopic('busy');
  const { admin } = context.log;
  const ask = admin.topics.bind(admin);
  admin.topics = () => Promise.reject(new Error('away'));
  await gone.look();
  assert.equal(context.topics.get('busy'), topic);

  admin.topics = async () => new Map();
  Object.defineProperty(topic, 'pending', { value: 1, configurable: true });
  await gone.look();
  assert.equal(context.topics.get('busy'), topic);
  Object.defineProperty(topic, 'pending', { value: 0 });
  await gone.look();
  assert.equal(context.topics.get('busy'), undefined);
  admin.topics = ask;
});

test('a topic that messages name is created again once the gateway has seen that it is gone', async (t) => {
  const { context, gone, port } = await setUp(t);
  const sender = await TestClient.open(`ws://127.0.0.1:${port}/named`);
  const answer = async (count: number) => {
    sender.ws.send('{"to":"by-name"}');
    await sender.until(() => sender.frames.length === count);
    return (JSON.parse(String(sender.frames.at(-1))) as { outcome?: string }).outcome;
  };
  assert.equal(await answer(1), 'stored');
  await context.log.admin.delete('by-name');
  await gone.look();
  assert.equal(await answer(2), 'stored');
});

const EXACTLY_ONCE = `
log: { driver: embedded, embedded: { memory: true } }
admin: { enabled: false }
pipelines:
  named:
    source: { topic: { names: [orders], group: named, from: earliest } }
    exactly_once: true
    transaction: { interval: 10ms }
    sink: { topic: { name: "\${! json.to }", topics: { create: CREATE } } }
    on_error: { dead_letter: dead }
shutdown: { jitter: 0s }
`;

for (const [create, outcome] of [
  [true, 'created again, too'],
  [false, 'not created where it may not be'],
] as const)
  test(`with exactly_once such a topic is ${outcome}`, async (t) => {
    const { config } = await loadConfig({ text: EXACTLY_ONCE.replace('CREATE', String(create)), name: 'test' });
    const gateway = await Gateway.create(config, { logger: keptLogger().logger, servers: {} });
    t.after(() => gateway.stop());
    await gateway.start();
    await gateway.prepared;
    const { context } = gateway;
    const { log } = context;
    const lane = log.lane('orders', { retrying() {}, recovered() {}, duplicatesPossible() {} });
    const order = () => lane.send([new Message(Buffer.from('{"to":"by-name"}'))]);
    const count = async (topic: string) => (await log.admin.offsets(topic).catch(() => []))[0]?.latest ?? 0;
    const holds = (topic: string, records: number) =>
      until(
        async () => (await count(topic)) === records,
        10_000,
        () => `${topic} does not hold ${records} records`,
      );
    await log.admin.create({ name: 'by-name', partitions: 1, replication: 1 });
    await order();
    await holds('by-name', 1);
    await log.admin.delete('by-name');
    await order();
    await holds('dead', 1);
    await new GoneTopics(context).look();
    await order();
    if (create) await holds('by-name', 1);
    await holds('dead', create ? 1 : 2);
    assert.equal(await count('by-name'), create ? 1 : 0);
  });
