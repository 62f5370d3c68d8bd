import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { type ConfigObject, type ErrorCode, type Gateway, TidegateError } from '../../../src/index.ts';
import { TestClient } from '../../helpers/client.ts';
import { until } from '../../helpers/gateway-process.ts';
import { gatewayOf, MEMORY } from './rig.ts';

/** As many topics as take a moment to create, and an endpoint that is read into one of them. */
const ORDERS: ConfigObject = {
  ...MEMORY,
  log: {
    driver: 'embedded',
    embedded: { memory: true },
    topics: Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`orders-${n}`, { partitions: 3 }])),
  },
  listeners: { public: { port: 0 } },
  endpoints: { orders: { listener: 'public', path: '/', codec: 'json' } },
  pipelines: {
    in: { source: { endpoint: 'orders' }, sink: { topic: { name: 'orders-0' } } },
    out: { source: { topic: { names: ['orders-0'] } }, sink: { endpoint: 'orders' } },
  },
};

/** Nothing answers there. */
const NO_KAFKA: ConfigObject = { log: { driver: 'kafkajs', brokers: ['127.0.0.1:9'] }, shutdown: { jitter: '0s' } };

const failsWith = (code: ErrorCode) => (error: unknown) => error instanceof TidegateError && error.code === code;

function urlOf(gateway: Gateway): string {
  return `ws://127.0.0.1:${gateway.ports().listeners.public}/`;
}

test('ready() resolves, and the event comes once, when the pipelines run and the log is up', async (t) => {
  const gateway = await gatewayOf(t, ORDERS);
  const heard: string[] = [];
  for (const name of ['producer-ready', 'wss-ready', 'consumer-ready', 'ready'] as const)
    gateway.on(name, () => heard.push(name));
  const ready = gateway.ready();
  assert.equal(gateway.inspect().ready, false);
  await gateway.start();
  await ready;
  assert.deepEqual([gateway.inspect().ready, gateway.inspect().reasons], [true, []]);
  assert.deepEqual(
    gateway.inspect().pipelines.map(({ state }) => state),
    ['running.flowing', 'running.flowing'],
  );
  assert.deepEqual([...heard].sort(), ['consumer-ready', 'producer-ready', 'ready', 'wss-ready']);
  assert.equal(heard.at(-1), 'ready');
  await gateway.ready();
  await gateway.stop();
  await gateway.ready();
  assert.equal(heard.filter((name) => name === 'ready').length, 1);
});

test('a client that connects before the gateway is ready waits for its handshake, and loses nothing', async (t) => {
  const gateway = await gatewayOf(t, ORDERS);
  await gateway.start();
  assert.equal(gateway.inspect().ready, false);
  const client = await TestClient.open(urlOf(gateway));
  assert.equal(gateway.inspect().ready, true, 'the client was let in before the gateway was ready');
  for (let id = 1; id <= 3; id++) client.ws.send(JSON.stringify({ id, content: `number ${id}` }));
  const answers = () =>
    client.frames.map((frame) => JSON.parse(String(frame))).filter(({ type }) => type !== undefined);
  await client.until(() => answers().length === 3);
  assert.deepEqual(
    answers(),
    [1, 2, 3].map((id) => ({ type: 'ack', id, outcome: 'stored' })),
  );
});

test('clients that wait for a gateway to be ready are refused when it stops; one may leave before', async (t) => {
  const gateway = await gatewayOf(t, ORDERS);
  await gateway.start();
  const url = urlOf(gateway);
  const [waiting, leaving] = [new WebSocket(url), new WebSocket(url)];
  const refused = once(waiting, 'unexpected-response') as Promise<[unknown, IncomingMessage]>;
  leaving.on('error', () => {});
  const seen = once(waiting, 'upgrade').then(() => assert.fail('it was let in'));
  const socket = (request: WebSocket) => (request as unknown as { _req: ClientRequest })._req;
  await Promise.all([once(socket(waiting), 'finish'), once(socket(leaving), 'finish')]);
  socket(leaving).socket?.resetAndDestroy();
  assert.equal(gateway.inspect().ready, false);
  const report = gateway.stop();
  const [, response] = await Promise.race([refused, seen]);
  assert.equal(response.statusCode, 503);
  assert.match(String((await response.toArray()).join('')), /"code":"stopping"/);
  assert.deepEqual(await report, { unsettled: 0 });
});

test('while a pipeline does not run no client is let in, as readiness says', async (t) => {
  const gateway = await gatewayOf(t, {
    ...ORDERS,
    pipelines: {
      ...(ORDERS.pipelines as object),
      feed: {
        source: { websocket_client: { url: 'ws://127.0.0.1:9/', reconnect: { enabled: false } } },
        sink: { topic: { name: 'orders-1' } },
      },
    },
  });
  await gateway.start();
  const hasFailed = () => gateway.inspect().pipelines.some(({ state }) => state === 'failed');
  await until(hasFailed, 10_000, () => JSON.stringify(gateway.inspect().pipelines));
  const base = urlOf(gateway).replace('ws:', 'http:');
  assert.equal((await fetch(`${base}ready`)).status, 503);
  await assert.rejects(TestClient.open(urlOf(gateway)), /Unexpected server response: 503/);
});

test('ready() rejects where the gateway is stopped before', async (t) => {
  const gateway = await gatewayOf(t, NO_KAFKA);
  await gateway.start();
  const ready = gateway.ready();
  await gateway.stop();
  await assert.rejects(ready, failsWith('TG_STOPPING'));
});

test('ready() rejects where the gateway was never started and is stopped', async (t) => {
  const gateway = await gatewayOf(t, NO_KAFKA);
  await gateway.stop();
  await assert.rejects(gateway.ready(), failsWith('TG_STOPPING'));
});

test('ready() rejects with the reason why the start failed', async (t) => {
  const taken = createServer().listen(0);
  t.after(() => taken.close());
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const gateway = await gatewayOf(t, { ...ORDERS, listeners: { public: { port } } });
  await assert.rejects(gateway.start(), failsWith('TG_LISTEN_FAILED'));
  await assert.rejects(gateway.ready(), failsWith('TG_LISTEN_FAILED'));
});

test('ready() rejects with the reason why a topic cannot be created', async (t) => {
  const topics = { orders: { partitions: 1, config: { 'cleanup.policy': 'nonsense' } } };
  const gateway = await gatewayOf(t, { ...MEMORY, log: { driver: 'embedded', embedded: { memory: true }, topics } });
  await gateway.start();
  const failure = await gateway.failed;
  await assert.rejects(gateway.ready(), failure);
});
