import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { createGateway } from '../../src/index.ts';
import { TestClient } from '../helpers/client.ts';
import { startGateway } from '../helpers/gateway-process.ts';
import { readTopic } from '../helpers/topic-content.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { findTrace, listTraces, requireJaeger } from '../services/jaeger.ts';
import { requireKafka } from '../services/kafka.ts';

test('one trace in Jaeger shows a message from socket to socket, through two gateways on Kafka', async (t) => {
  const kafka = await requireKafka(t);
  const jaeger = await requireJaeger(t);
  if (kafka === undefined || jaeger === undefined) return;
  const topic = uniqueTopic('traced');
  const env = {
    kafkaBootstrapServers: kafka.brokers,
    kafkaTopic: topic,
    JAEGER_ENDPOINT: jaeger.thriftEndpoint,
    TRACE_SAMPLE: '0',
  };
  const config = 'config/examples/integration.yaml';
  const [here, there] = [await startGateway(t, { config, env }), await startGateway(t, { config, env })];
  for (const gateway of [here, there]) await gateway.ready();
  const sender = await TestClient.open(`ws://127.0.0.1:${here.port}/ws`);
  const receiver = await TestClient.open(`ws://127.0.0.1:${there.port}/ws`);

  const traceId = randomBytes(16).toString('hex');
  const traceparent = `00-${traceId}-${randomBytes(8).toString('hex')}-01`;
  sender.send('follow me', { id: 'm-1', traceparent });
  sender.send('no one asked', { id: 'm-2' });
  await receiver.until(() => receiver.of('USER').length === 2);

  // Six steps: socket in, pipeline, topic, consumer, pipeline, socket out; the last three are taken by both gateways.
  const spans = await findTrace(jaeger, traceId, 9);
  const names = spans.map(({ operationName }) => operationName).sort();
  assert.deepEqual(names, [
    'deliver messages',
    'deliver messages',
    'process messages-in',
    'process messages-out',
    'process messages-out',
    `process ${topic}`,
    `process ${topic}`,
    'receive messages',
    `send ${topic}`,
  ]);
  const processed = spans.filter(({ operationName }) => operationName === `process ${topic}`);
  const send = spans.find(({ operationName }) => operationName === `send ${topic}`);
  for (const span of processed) {
    assert.equal(span.references.find(({ refType }) => refType === 'CHILD_OF')?.spanID, send?.spanID);
  }

  const stored = await readTopic(kafka.brokers, topic);
  const headers = Object.fromEntries(stored.map((record) => [record.headers['message-id'], record.headers]));
  assert.equal(headers['m-1']?.traceparent?.split('-')[2], send?.spanID, 'the record carries the context of its send');
  assert.equal(headers['m-2']?.traceparent, undefined, 'a message without a trace gets no header');
});

test('a list of traces in Jaeger has one for each message and each refused frame, found by id and path', async (t) => {
  const jaeger = await requireJaeger(t);
  if (jaeger === undefined) return;
  const service = `tidegate-${randomUUID()}`;
  const { port, gateway } = await startTraced(t, jaeger.thriftEndpoint, service);
  const client = await TestClient.open(`ws://127.0.0.1:${port}/rooms/blue`);
  for (const id of ['m-1', 'm-2', 'm-3']) client.send(`message ${id}`, { id });
  client.ws.send('no JSON');
  await client.until(() => client.of('USER').length === 3 && client.of('ERROR').length === 1);
  await gateway.stop();

  const all = await listTraces(jaeger, service, 4);
  assert.deepEqual(all.map(({ length }) => length).sort(), [1, 6, 6, 6]);
  const found = await listTraces(jaeger, service, 1, { 'messaging.message.id': 'm-2', 'tidegate.param.room': 'blue' });
  assert.deepEqual(
    found.map((spans) => spans.map(({ operationName }) => operationName).sort()),
    [
      [
        'deliver messages',
        'process messages-in',
        'process messages-out',
        'process websocket-messages',
        'receive messages',
        'send websocket-messages',
      ],
    ],
  );
  const [[refused] = []] = await listTraces(jaeger, service, 1, { error: 'true' });
  const tags = Object.fromEntries((refused?.tags ?? []).map(({ key, value }) => [key, value]));
  assert.equal(refused?.operationName, 'receive messages');
  assert.equal(tags['error.type'], 'not_json');
  assert.match(String(tags['otel.status_description']), /the frame is not JSON/);
});

/** A gateway in this process, every message of which is traced. */
async function startTraced(t: TestContext, endpoint: string, service: string) {
  const gateway = await createGateway({
    logger: 'silent',
    config: {
      log: { driver: 'embedded', embedded: { memory: true } },
      tracing: { endpoint, sample: 1, service_name: service },
      listeners: { public: { port: 0 } },
      endpoints: { messages: { listener: 'public', path: '/rooms/{room}', codec: 'envelope' } },
      pipelines: {
        'messages-in': { source: { endpoint: 'messages' }, sink: { topic: { name: 'websocket-messages' } } },
        'messages-out': {
          source: { topic: { names: ['websocket-messages'] } },
          sink: { endpoint: 'messages' },
        },
      },
      shutdown: { jitter: '0s' },
    },
  });
  t.after(() => gateway.stop());
  await gateway.start();
  await gateway.ready();
  return { gateway, port: gateway.ports().listeners.public };
}

test('a Jaeger that is not there costs one warning and nothing else', async (t) => {
  const gateway = await startGateway(t, {
    env: { JAEGER_ENDPOINT: 'http://127.0.0.1:9/api/traces', TRACE_SAMPLE: '1' },
  });
  await gateway.ready();
  const client = await TestClient.open(`ws://127.0.0.1:${gateway.port}/ws`);
  for (let n = 0; n < 50; n++) client.send(`message ${n}`);
  await client.until(() => client.of('ACK').length === 50 && client.of('USER').length === 50);
  await client.close();
  assert.equal(await gateway.stop(), 0);
  const complaints = gateway
    .output()
    .split('\n')
    .filter((line) => line.includes('"level":"warn"'));
  assert.ok(complaints.length <= 1, complaints.join('\n'));
});
