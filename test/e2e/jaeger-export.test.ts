import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Batch } from '../../src/core/batch.ts';
import { systemClock } from '../../src/core/clock.ts';
import { Message, type TraceContext } from '../../src/core/message.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { startTelemetry } from '../../src/telemetry/start.ts';
import type { TracingOptions } from '../../src/telemetry/start-options.ts';
import { createStats } from '../../src/telemetry/stats.ts';
import type { Tracing } from '../../src/telemetry/tracing.ts';
import { requireJaeger } from '../services/jaeger.ts';

/** https://www.jaegertracing.io/docs/1.76/architecture/apis/: what its query API answers, as far as it is looked at. */
interface JaegerTrace {
  readonly spans: readonly JaegerSpan[];
  readonly processes: Readonly<Record<string, { readonly serviceName: string }>>;
}

interface JaegerSpan {
  readonly spanID: string;
  readonly operationName: string;
  readonly references: readonly { readonly refType: string; readonly traceID: string; readonly spanID: string }[];
  readonly tags: readonly { readonly key: string; readonly value: unknown }[];
}

const CLIENT_SPAN = '00f067aa0ba902b7';
const STEPS = [
  'receive rooms',
  'process rooms-in',
  'send ws-messages',
  'process ws-messages',
  'process rooms-out',
  'deliver rooms',
];

for (const exporter of ['jaeger', 'otlp'] as const) {
  test(`one trace in Jaeger shows the six steps of a message through two gateways, sent by ${exporter}`, async (t) => {
    const jaeger = await requireJaeger(t);
    if (jaeger === undefined) return;
    const endpoint = exporter === 'jaeger' ? jaeger.thriftEndpoint : jaeger.otlpEndpoint;
    const service = `tidegate-${randomUUID()}`;
    const traceId = randomBytes(16).toString('hex');
    const options = { exporter, endpoint, sample: 0, maxPerSecond: 100, batches: true } as const;
    const written = await asGateway(service, 'writer', options, (tracing) => writeSteps(tracing, traceId));
    await asGateway(service, 'reader', options, (tracing) => readSteps(tracing, written));

    const trace = await findTrace(jaeger.queryUrl, traceId, STEPS.length);
    assert.deepEqual(namesFrom(CLIENT_SPAN, trace.spans), STEPS);
    assert.deepEqual([...new Set(Object.values(trace.processes).map(({ serviceName }) => serviceName))], [service]);
    const deliver = trace.spans.find((span) => span.operationName === 'deliver rooms');
    assert.equal(deliver?.tags.find(({ key }) => key === 'tidegate.sockets')?.value, 20);
    const send = trace.spans.find((span) => span.operationName === 'send ws-messages');
    assert.equal(send?.tags.find(({ key }) => key === 'messaging.kafka.offset')?.value, 41);
    assert.ok(
      send?.references.some(({ refType, traceID }) => refType === 'FOLLOWS_FROM' && traceID !== traceId),
      'the send is linked to the span of its batch',
    );
  });
}

/** Runs one gateway's part of the way, and waits until its spans are sent. */
async function asGateway<T>(
  name: string,
  instance: string,
  tracing: TracingOptions,
  run: (tracing: Tracing) => T,
): Promise<T> {
  const telemetry = await startTelemetry({
    tracing,
    service: { name, version: '0.0.0', instance },
    stats: createStats(),
    logger: createLogger({ level: 'warn' }),
    clock: systemClock,
  });
  const result = run(telemetry.tracing);
  await telemetry.stop();
  return result;
}

function writeSteps(tracing: Tracing, traceId: string): TraceContext {
  const message = new Message(Buffer.from('{}'), { trace: { traceparent: `00-${traceId}-${CLIENT_SPAN}-01` } });
  tracing.received(message, 'rooms', 'client-1', undefined);
  const batch = new Batch([message]);
  tracing.processing(batch, 'rooms-in').end();
  const sending = tracing.sending(batch.messages, 'ws-messages');
  Object.assign(message, { topic: 'ws-messages', partition: 0, offset: 41 });
  sending.end();
  assert.ok(message.trace);
  return message.trace;
}

function readSteps(tracing: Tracing, trace: TraceContext): void {
  const batch = new Batch([new Message(Buffer.from('{}'), { trace, topic: 'ws-messages', partition: 0, offset: 41 })]);
  tracing.polled(batch, 'ws-messages', undefined);
  tracing.processing(batch, 'rooms-out').end();
  tracing.delivering(batch, 'rooms')(20);
}

/** Jaeger answers before it has stored what it took, so it is asked until it has all. */
async function findTrace(queryUrl: string, traceId: string, spans: number): Promise<JaegerTrace> {
  const url = new URL(`/api/traces/${traceId}`, queryUrl);
  const deadline = Date.now() + 15_000;
  while (Date.now() < deadline) {
    const response = await fetch(url);
    const { data } = (await response.json()) as { data: readonly JaegerTrace[] | null };
    const trace = data?.find((found) => found.spans.length >= spans);
    if (trace !== undefined) return trace;
    await pause(100);
  }
  throw new Error(`Jaeger has no trace of ${spans} spans at ${url}`);
}

/** The names of the child of that span, its child, and so on. */
function namesFrom(spanId: string, spans: readonly JaegerSpan[]): string[] {
  const child = spans.find((span) =>
    span.references.some(({ refType, spanID }) => refType === 'CHILD_OF' && spanID === spanId),
  );
  return child === undefined ? [] : [child.operationName, ...namesFrom(child.spanID, spans)];
}
