import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { TestClient } from '../helpers/client.ts';
import { type GatewayProcess, startGateway } from '../helpers/gateway-process.ts';
import { readTopic } from '../helpers/topic-content.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { type JaegerService, requireJaeger, searchTraces, type TaggedSpan } from '../services/jaeger.ts';
import { requireKafka } from '../services/kafka.ts';

/** How long the second gateway is stopped, in milliseconds. */
const STOPPED = 1_000;

test('Jaeger answers the three questions of docs/tracing.md by its searches, for two gateways on Kafka', async (t) => {
  const kafka = await requireKafka(t);
  const jaeger = await requireJaeger(t);
  if (kafka === undefined || jaeger === undefined) return;
  const topic = uniqueTopic('guide');
  const service = `tidegate-${randomUUID()}`;
  const env = {
    KAFKA_BROKERS: kafka.brokers,
    TOPIC: topic,
    JAEGER_ENDPOINT: jaeger.thriftEndpoint,
    SERVICE_NAME: service,
    // The spans behind the topic are in the trace only where its headers are written and read as b3.
    PROPAGATOR: 'b3',
  };
  const start = () => startGateway(t, { config: 'test/fixtures/traced-rooms.yaml', env });
  const [first, second] = await Promise.all([start(), start()]);
  await Promise.all([first.ready(), second.ready()]);
  const sender = await TestClient.open(`ws://127.0.0.1:${first.port}/rooms/blue`);
  const receiver = await TestClient.open(`ws://127.0.0.1:${second.port}/rooms/blue`);

  process.kill(second.process.pid as number, 'SIGSTOP');
  sender.send('hello', { id: 'm-1' });
  await sender.until(() => sender.of('USER').length === 1 && sender.of('ACK').length === 1);
  await pause(STOPPED);
  process.kill(second.process.pid as number, 'SIGCONT');
  await receiver.until(() => receiver.of('USER').length === 1);
  sender.send('', { id: 'm-2' });
  await sender.until(() => sender.of('ACK').length === 2);

  await whyIsItLate(jaeger, service, second);
  await whichGatewayDelivered(jaeger, service, [first, second]);
  await whatWasDropped(jaeger, service);

  const [stored] = await readTopic(kafka.brokers, topic);
  assert.deepEqual(Object.keys(stored?.headers ?? {}).sort(), ['b3', 'message-id']);
});

/** The step that begins longest after the step before it, or lasts longest, is where the time went. */
async function whyIsItLate(jaeger: JaegerService, service: string, late: GatewayProcess): Promise<void> {
  const spans = await oneTrace(jaeger, service, { 'messaging.message.id': 'm-1' }, 9);
  const waits = spans.map((span) => {
    const parent = spans.find(({ spanID }) => spanID === span.references[0]?.spanID);
    const wait = parent === undefined ? 0 : span.startTime - parent.startTime - parent.duration;
    return { name: span.operationName, wait, pid: span.tags['process.pid'] };
  });
  const longest = waits.reduce((a, b) => (b.wait > a.wait ? b : a));
  assert.match(longest.name, /^process guide/, JSON.stringify(waits));
  assert.equal(longest.pid, late.process.pid);
  assert.ok(longest.wait >= STOPPED * 1_000);
}

async function whichGatewayDelivered(jaeger: JaegerService, service: string, gateways: readonly GatewayProcess[]) {
  const spans = await oneTrace(jaeger, service, { 'messaging.message.id': 'm-1' }, 9);
  const delivered = spans.filter(({ operationName }) => operationName === 'deliver messages');
  const told = delivered.map(({ tags }) => [tags['process.pid'], tags['tidegate.sockets']]);
  assert.deepEqual(told.sort(), gateways.map(({ process }) => [process.pid, 1]).sort());
  assert.equal(new Set(delivered.map(({ tags }) => tags['service.instance.id'])).size, 2);
  assert.deepEqual(
    delivered.map(({ tags }) => tags['host.name']),
    [hostname(), hostname()],
  );
}

async function whatWasDropped(jaeger: JaegerService, service: string): Promise<void> {
  const spans = await oneTrace(jaeger, service, { 'tidegate.outcome': 'filtered' }, 2);
  assert.deepEqual(spans.map(({ operationName }) => operationName).sort(), ['process messages-in', 'receive messages']);
  const dropped = spans.find(({ operationName }) => operationName === 'process messages-in');
  assert.equal(dropped?.tags['messaging.message.id'], 'm-2');
  assert.equal(dropped?.tags['tidegate.processor'], 'processors[0].filter');
}

async function oneTrace(
  jaeger: JaegerService,
  service: string,
  tags: Readonly<Record<string, string>>,
  spans: number,
): Promise<readonly TaggedSpan[]> {
  const found = await searchTraces(jaeger, service, tags, (traces) => traces[0]?.length === spans);
  const [trace, ...others] = found;
  assert.ok(trace !== undefined && others.length === 0);
  return trace;
}
