import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { suite, test } from 'node:test';
import type { ConnectionChange, GatewayEventName, TopicRecord } from '../../../src/index.ts';
import { ConfigError, createGateway, TidegateError } from '../../../src/index.ts';
import { TestClient } from '../../helpers/client.ts';
import { until } from '../../helpers/gateway-process.ts';
import { RoomClient } from '../../helpers/room-client.ts';
import { gatewayOf, MEMORY, next, TOPICS } from './rig.ts';

const EVERY_EVENT: readonly GatewayEventName[] = [
  'ws-connection',
  'ws-close',
  'wss-ready',
  'ready',
  'producer-ready',
  'producer-error',
  'consumer-ready',
  'consumer-error',
  'consumer-message',
  'error',
];

const ask = (client: TestClient, request: object) => client.ws.send(JSON.stringify(request));

/** Subscribes by the topic protocol, and waits for the answer. */
async function subscribed(port: number | undefined, path = '/'): Promise<TestClient> {
  const client = await TestClient.open(`ws://127.0.0.1:${port}${path}`);
  ask(client, { id: 1, t: 'topic', a: 'create', p: ['orders'] });
  await client.until(() => client.frames.length === 1);
  ask(client, { id: 2, t: 'topic', a: 'subscribe', p: { t: ['orders'], consumer_group: 'billing' } });
  await client.until(() => client.frames.length === 2);
  return client;
}

suite('events', () => {
  test("come in the order of a gateway's life, with what they are about", async (t) => {
    const gateway = await gatewayOf(t, TOPICS);
    const heard: unknown[][] = [];
    for (const name of EVERY_EVENT) gateway.on(name, (...facts: unknown[]) => heard.push([name, ...facts]));
    await gateway.start();
    await gateway.ready();
    const { public: port } = gateway.ports().listeners;
    const client = await subscribed(port, '/any/path?token=7');
    const delivered = next(gateway, 'consumer-message');
    await gateway.topic('orders').publish({ value: 'hello', key: 'k' });
    await delivered;
    await client.close();
    await gateway.stop();

    const ids = heard.flatMap(([name, connection]) => (name === 'ws-connection' ? [connection as { id: string }] : []));
    const connection = {
      id: ids[0]?.id,
      clientId: ids[0]?.id,
      endpoint: 'topics',
      params: {},
      query: { token: '7' },
    };
    assert.deepEqual(
      heard.map(([name]) => name),
      ['producer-ready', 'wss-ready', 'ready', 'ws-connection', 'consumer-ready', 'consumer-message', 'ws-close'],
    );
    const [, , , [, , request] = [], , [, record, consumer] = [], [, ...closing] = []] = heard;
    assert.deepEqual(heard[0], ['producer-ready', { driver: 'embedded' }]);
    assert.deepEqual(heard[1], ['wss-ready', { public: port }]);
    assert.deepEqual(heard[3], ['ws-connection', connection, request]);
    const { url, path, headers, remote } = request as Record<string, unknown>;
    assert.deepEqual([url, path], ['/any/path?token=7', '/any/path']);
    assert.equal((headers as Record<string, string>).host, `127.0.0.1:${port}`);
    assert.equal(remote, '127.0.0.1');
    assert.deepEqual(heard[4], ['consumer-ready', { group: 'billing', topics: ['orders'], partitions: 1 }]);
    assert.deepEqual(text(record as TopicRecord), {
      topic: 'orders',
      partition: 0,
      offset: 0,
      key: 'k',
      value: 'hello',
    });
    assert.deepEqual(consumer, { group: 'billing' });
    assert.deepEqual(closing, [connection, { code: 1005, reason: '' }]);
  });

  test('name a client of a room by the same id when it connects and when it disconnects', async (t) => {
    const gateway = await gatewayOf(t, {
      ...MEMORY,
      listeners: { public: { port: 0 } },
      endpoints: { lobby: { listener: 'public', path: '/', codec: 'rooms', presence: { topic: 'lobby' } } },
      pipelines: { lobby: { source: { endpoint: 'lobby' }, sink: { topic: { name: 'lobby' } } } },
    });
    const changes: ConnectionChange[] = [];
    let isComplete = false;
    gateway.connections$.subscribe({
      next: (change) => changes.push(change),
      complete: () => {
        isComplete = true;
      },
    });
    await gateway.start();
    const client = await RoomClient.join(`ws://127.0.0.1:${gateway.ports().listeners.public}/`);
    assert.deepEqual(gateway.inspect().rooms, [{ endpoint: 'lobby', members: [client.id] }]);
    assert.equal(isComplete, false);
    await gateway.stop();
    const [opened, closed] = changes;
    assert.deepEqual(
      changes.map(({ type }) => type),
      ['opened', 'closed'],
    );
    assert.equal(opened?.connection.id, closed?.connection.id);
    assert.equal(closed?.connection.clientId, client.id);
    assert.equal(closed?.type === 'closed' && closed.close.code, 1012);
    assert.equal(isComplete, true);
  });

  test('report what a pipeline cannot do; without a listener only the pipeline is affected', async (t) => {
    const gateway = await gatewayOf(t, {
      ...TOPICS,
      log: { driver: 'embedded', embedded: { memory: true }, topics: { orders: { partitions: 1 } } },
      pipelines: {
        totals: {
          source: { topic: { names: ['orders'], group: 'totals', from: 'earliest' } },
          processors: [{ map: { text: '${! json.total }' } }],
          sink: { topic: { name: 'totals' } },
        },
      },
    });
    await gateway.start();
    const failed = next(gateway, 'error');
    await gateway.topic('orders').publish({ value: 'no JSON' });
    const [{ message, code, facts }] = await failed;
    assert.match(message, /the pipeline totals has FAILED: record orders\/0\/0 cannot be processed/);
    assert.deepEqual([code, facts.pipeline], ['TG_EXPRESSION_FAILED', 'totals']);
    assert.deepEqual(
      gateway.inspect().pipelines.map(({ name, state }) => [name, state]),
      [['totals', 'failed']],
    );
    assert.equal((await gateway.topic('orders').publish({ value: 'still here' })).offset, 1);
  });
});

suite('inspect', () => {
  test('shows every part as plain data, before the start, while it runs and afterwards', async (t) => {
    const gateway = await gatewayOf(t, TOPICS);
    assert.deepEqual(
      [gateway.inspect().state, gateway.inspect().ready, gateway.inspect().reasons],
      ['created', false, ['the gateway is created']],
    );
    await gateway.start();
    const { public: port } = gateway.ports().listeners;
    const clients = [await subscribed(port), await subscribed(port)];
    await gateway.topic('orders').publish({ value: 'hello' });
    await Promise.race(clients.map((client) => client.until(() => client.frames.length === 3)));
    // A record counts as delivered once its client has answered the ping behind it.
    const delivered = () => gateway.inspect().groups[0]?.partitions[0]?.lag === 0;
    await until(delivered, 10_000, () => JSON.stringify(gateway.inspect().groups));
    const { version, ...snapshot } = gateway.inspect();
    assert.match(version, /^\d+\.\d+\.\d+/);
    assert.deepEqual(snapshot, {
      state: 'running',
      ready: true,
      reasons: [],
      config: { generation: 1, files: [] },
      log: { driver: 'embedded', up: true },
      listeners: [{ name: 'public', state: 'listening', port, attached: false }],
      endpoints: [{ name: 'topics', listener: 'public', paths: ['*'], codec: 'topics', connections: 2 }],
      pipelines: [],
      topics: [{ name: 'orders', state: 'idle', pending: 0 }],
      groups: [
        {
          group: 'billing',
          topics: ['orders'],
          state: 'stable',
          members: 2,
          partitions: [{ topic: 'orders', partition: 0, lag: 0 }],
        },
      ],
      rooms: [],
    });
    assert.deepEqual(JSON.parse(JSON.stringify(snapshot)), snapshot);
    await gateway.stop();
    const after = gateway.inspect();
    assert.deepEqual(
      [after.state, after.ready, after.groups, after.endpoints[0]?.connections],
      ['stopped', false, [], 0],
    );
  });
});

suite('a configuration with mistakes', () => {
  test('rejects with all of them, whether it is an object or YAML', async () => {
    const wrong = {
      log: { driver: 'embeded' },
      listeners: { public: { port: 99_999 } },
      endpoints: { chat: { listener: 'public', path: '/chat', codec: 'chatt' } },
    };
    const paths = async (config: unknown) => {
      const mistake: unknown = await createGateway({ config: config as object, logger: 'silent' }).catch(
        (error) => error,
      );
      assert.ok(mistake instanceof ConfigError);
      return mistake.problems.map(({ path }) => path).sort();
    };
    const expected = ['endpoints.chat.codec', 'listeners.public.port', 'log.driver'];
    assert.deepEqual(await paths(wrong), expected);
    assert.deepEqual(await paths(JSON.stringify(wrong)), expected);
  });

  test('says what it takes where it is given something else', async () => {
    for (const options of [undefined, null, 42, { config: 42 }, { config: null }]) {
      const made = createGateway(options as unknown as Parameters<typeof createGateway>[0]);
      await assert.rejects(made, { code: 'TG_CONFIG_INVALID', message: /object/ });
    }
  });

  test('says so where it is no plain data, or a file that is not there', async () => {
    const server = { log: { driver: 'embedded' }, listeners: { public: { port: () => 80 } } };
    const invalid = createGateway({ config: server as object, logger: 'silent' });
    await assert.rejects(invalid, { code: 'TG_CONFIG_INVALID', message: /plain data/ });
    const missing = createGateway({ config: { file: '/nowhere/gateway.yaml' }, logger: 'silent' });
    await assert.rejects(missing, { code: 'TG_CONFIG_UNREADABLE' });
  });
});

suite('start and stop', () => {
  test('both may be called again, but what was stopped does not start', async (t) => {
    const gateway = await gatewayOf(t, TOPICS);
    await Promise.all([gateway.start(), gateway.start()]);
    const [one, other] = await Promise.all([gateway.stop(), gateway.stop()]);
    assert.deepEqual([one, other], [{ unsettled: 0 }, { unsettled: 0 }]);
    await assert.rejects(gateway.start(), { code: 'TG_NOT_RUNNING' });
  });

  test('a gateway that never started stops, and one that is starting is stopped once it is open', async (t) => {
    const never = await gatewayOf(t, TOPICS);
    assert.deepEqual(await never.stop(), { unsettled: 0 });
    const early = await gatewayOf(t, TOPICS);
    const started = early.start();
    assert.deepEqual(await early.stop(), { unsettled: 0 });
    await started;
    const { public: port } = early.ports().listeners;
    await assert.rejects(TestClient.open(`ws://127.0.0.1:${port}/`), /ECONNREFUSED/);
  });

  test('a port that is taken rejects the start and leaves nothing open', async (t) => {
    const other = createServer().listen(0);
    t.after(() => other.close());
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const gateway = await gatewayOf(t, { ...TOPICS, listeners: { public: { port } } });
    await assert.rejects(
      gateway.start(),
      (error) => error instanceof TidegateError && error.code === 'TG_LISTEN_FAILED',
    );
    assert.equal(gateway.inspect().state, 'stopped');
  });

  test('two gateways in one process know nothing of each other', async (t) => {
    const gateways = [await gatewayOf(t, TOPICS), await gatewayOf(t, TOPICS)] as const;
    await Promise.all(gateways.map((gateway) => gateway.start()));
    const ports = gateways.map((gateway) => gateway.ports().listeners.public);
    const clients = [await subscribed(ports[0]), await subscribed(ports[1])] as const;
    const other: string[] = [];
    gateways[1].on('consumer-message', ({ value }) => other.push(String(value)));
    await gateways[0].topic('orders').publish({ value: 'for the first' });
    await clients[0].until(() => clients[0].frames.length === 3);
    await gateways[0].stop();
    await clients[0].until(() => clients[0].closed?.code === 1012);
    await gateways[1].topic('orders').publish({ value: 'for the second' });
    await clients[1].until(() => clients[1].frames.length === 3);
    assert.deepEqual(other, ['for the second']);
    assert.equal(clients[1].closed, undefined);
  });

  test('YAML opens the admin port that it asks for, an object without one opens none', async (t) => {
    const yaml = await createGateway({
      config: 'log: { driver: embedded, embedded: { memory: true } }\nadmin: { port: 0 }',
      logger: 'silent',
    });
    t.after(() => yaml.stop());
    await yaml.start();
    const health = await fetch(`http://127.0.0.1:${yaml.ports().admin}/health`);
    assert.equal(health.status, 200);
    const object = await gatewayOf(t, MEMORY);
    await object.start();
    assert.equal(object.ports().admin, 0);
  });
});

function text({ topic, partition, offset, key, value }: TopicRecord) {
  return { topic, partition, offset, key: String(key), value: String(value) };
}
