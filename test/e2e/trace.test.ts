import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { TestClient } from '../helpers/client.ts';
import { startGateway } from '../helpers/gateway-process.ts';
import { readTopic } from '../helpers/topic-content.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { findTrace, requireJaeger } from '../services/jaeger.ts';
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
  sender.send('nobody asked', { id: 'm-2' });
  await receiver.until(() => receiver.of('USER').length === 2);

  // Five kinds of steps: socket in, pipeline, topic, consumer, socket out; the last ones are taken by both gateways.
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
