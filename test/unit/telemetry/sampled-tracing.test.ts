import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { Batch } from '../../../src/core/batch.ts';
import type { Clock } from '../../../src/core/clock.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import { ExactNumber } from '../../../src/core/exact-number.ts';
import { Message, type TraceContext } from '../../../src/core/message.ts';
import { propagationOf } from '../../../src/core/propagation.ts';
import { SPANS } from '../../../src/telemetry/catalog.ts';
import { SampledTracing, type SamplingOptions } from '../../../src/telemetry/sampled-tracing.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { NO_COMPONENT_SPAN, NO_SPAN } from '../../../src/telemetry/tracing.ts';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN_ID = '00f067aa0ba902b7';
const SAMPLED = `00-${TRACE_ID}-${SPAN_ID}-01`;
const UNSAMPLED = `00-${TRACE_ID}-${SPAN_ID}-00`;

function setUp(options: Partial<SamplingOptions> = {}) {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const stats = createStats();
  const clock: Clock = { now: () => 1_000, elapsed: () => 1_000, after: () => () => {} };
  const sampling = { sample: 0, maxPerSecond: 100, ...options };
  const tracing = new SampledTracing(provider.getTracer('test'), sampling, stats, clock);
  const spans = () => exporter.getFinishedSpans();
  const named = (name: string) => spans().filter((span) => span.name === name);
  const suppressed = () => stats.counter('tidegate_spans_suppressed_total').value;
  return { tracing, spans, named, suppressed };
}

function messageWith(trace?: string | TraceContext): Message {
  if (trace === undefined) return new Message(Buffer.from('{}'));
  return new Message(Buffer.from('{}'), { trace: typeof trace === 'string' ? { traceparent: trace } : trace });
}

/** The batch span is a trace of its own, so a span of a message is the one inside the message's trace. */
function inTrace(spans: readonly ReadableSpan[], traceId: string): ReadableSpan[] {
  return spans.filter((span) => span.spanContext().traceId === traceId);
}

/** The child of that span, its child, and so on. */
function chainFrom(spanId: string, spans: readonly ReadableSpan[]): ReadableSpan[] {
  const child = spans.find((span) => span.parentSpanContext?.spanId === spanId);
  return child === undefined ? [] : [child, ...chainFrom(child.spanContext().spanId, spans)];
}

test('a message with a sampled traceparent goes through six steps in one trace, across two processes', () => {
  const writer = setUp();
  const reader = setUp();
  const message = messageWith(SAMPLED);
  writer.tracing.received(message, 'rooms', 'client-1', undefined);
  const processing = writer.tracing.processing(new Batch([message]), 'rooms-in');
  const derived = message.derive({ json: { changed: true } });
  processing.end();
  const sending = writer.tracing.sending([derived], 'ws-messages');
  derived.partition = 2;
  derived.offset = 41;
  sending.end();

  assert.ok(derived.trace);
  const record = new Message(Buffer.from('{}'), {
    trace: derived.trace,
    topic: 'ws-messages',
    partition: 2,
    offset: 41,
  });
  reader.tracing.polled(new Batch([record]), 'ws-messages', 'group-a');
  const out = reader.tracing.processing(new Batch([record]), 'rooms-out');
  reader.tracing.delivering(new Batch([record]), 'rooms')(20);
  out.end();

  const steps = chainFrom(SPAN_ID, [...writer.spans(), ...reader.spans()]);
  assert.equal(inTrace([...writer.spans(), ...reader.spans()], TRACE_ID).length, 6);
  assert.deepEqual(
    steps.map(({ name, kind }) => [name, kind]),
    [
      ['receive rooms', SpanKind.CONSUMER],
      ['process rooms-in', SpanKind.INTERNAL],
      ['send ws-messages', SpanKind.PRODUCER],
      ['process ws-messages', SpanKind.CONSUMER],
      ['process rooms-out', SpanKind.INTERNAL],
      ['deliver rooms', SpanKind.PRODUCER],
    ],
  );
  const [receive, , send, consume, , deliver] = steps;
  assert.equal(receive?.attributes['messaging.client.id'], 'client-1');
  assert.equal(send?.attributes['messaging.kafka.offset'], 41);
  assert.equal(send?.attributes['messaging.destination.partition.id'], '2');
  assert.equal(consume?.attributes['messaging.consumer.group.name'], 'group-a');
  assert.equal(deliver?.attributes['tidegate.sockets'], 20);
});

test('every span of the way in and out is in the catalogue, with its kind', () => {
  const { tracing, spans } = setUp();
  const message = messageWith(SAMPLED);
  const batch = new Batch([message]);
  tracing
    .handshake({ headers: { traceparent: SAMPLED }, query: {}, route: '/ws', endpoint: 'e', url: '/ws' })
    ?.end(101);
  tracing.received(message, 'endpoint', 'c', undefined);
  tracing.processing(batch, 'pipeline').end();
  tracing.sending([message], 'topic').end();
  tracing.polled(batch, 'topic', undefined);
  tracing.delivering(batch, 'endpoint')(1);
  const recorded = inTrace(spans(), TRACE_ID).map(({ name, kind }) => [name, SpanKind[kind].toLowerCase()]);
  const listed = Object.entries(SPANS)
    .filter(([name]) => !/^(poll|dial) /.test(name))
    .map(([name, { kind }]) => [name.replace('{route}', '/ws').replaceAll(/[{}]/g, ''), kind]);
  assert.deepEqual(recorded.sort(), listed.sort());
});

test('if batches are traced, each is a trace that links to its sampled messages, whose spans link back', () => {
  const { tracing, named } = setUp({ batches: true });
  const messages = [messageWith(SAMPLED), messageWith(), messageWith(SAMPLED)];
  for (const message of messages) tracing.received(message, 'rooms', 'c', undefined);
  tracing.sending(messages, 'ws-messages').end();
  const received = named('receive rooms');
  const [batch, ...others] = named('send ws-messages').filter((span) => span.spanContext().traceId !== TRACE_ID);
  assert.ok(batch);
  assert.equal(others.length, 0);
  assert.equal(batch.parentSpanContext, undefined);
  assert.equal(batch.kind, SpanKind.CLIENT);
  assert.equal(batch.attributes['messaging.batch.message_count'], 3);
  assert.deepEqual(
    batch.links.map(({ context }) => context.spanId),
    received.map((span) => span.spanContext().spanId),
  );
  const children = inTrace(named('send ws-messages'), TRACE_ID);
  assert.equal(children.length, 2);
  for (const child of children) assert.equal(child.links[0]?.context.spanId, batch.spanContext().spanId);
});

test('a batch of more than 128 sampled messages links to 128 of them and traces all', () => {
  const { tracing, named } = setUp({ maxPerSecond: 1_000, batches: true });
  const messages = Array.from({ length: 200 }, () => messageWith(SAMPLED));
  for (const message of messages) tracing.received(message, 'rooms', 'c', undefined);
  tracing.processing(new Batch(messages), 'p').end();
  const spans = named('process p');
  assert.equal(spans.length, 201);
  assert.equal(spans.find((span) => span.spanContext().traceId !== TRACE_ID)?.links.length, 128);
});

test('a message without a traceparent is picked by ratio and linked to its handshake', () => {
  const { tracing, named } = setUp({ sample: 1, handshakes: true });
  const handshake = tracing.handshake({ headers: {}, query: {}, route: '/ws', endpoint: 'rooms', url: '/ws' });
  assert.ok(handshake);
  const message = messageWith();
  tracing.received(message, 'rooms', 'c', handshake);
  const [span] = named('receive rooms');
  assert.ok(span);
  assert.equal(span.parentSpanContext, undefined);
  assert.equal(span.links[0]?.context.spanId, handshake.context.spanId);
  assert.equal(message.trace?.traceparent, `00-${span.spanContext().traceId}-${span.spanContext().spanId}-01`);
});

test('a message whose parent is the handshake itself does not link to it', () => {
  const { tracing, named } = setUp({ sample: 1, handshakes: true });
  const handshake = tracing.handshake({ headers: {}, query: {}, route: '/ws', endpoint: 'rooms', url: '/ws' });
  assert.ok(handshake);
  const { traceId, spanId } = handshake.context;
  tracing.received(messageWith(`00-${traceId}-${spanId}-01`), 'rooms', 'c', handshake);
  assert.deepEqual(named('receive rooms')[0]?.links, []);
});

test('a message that is not picked gets no trace headers and no spans in any step', () => {
  const { tracing, spans } = setUp();
  const message = messageWith();
  const batch = new Batch([message]);
  tracing.received(message, 'rooms', 'c', undefined);
  assert.equal(tracing.processing(batch, 'p'), NO_SPAN);
  assert.equal(tracing.sending([message], 't'), NO_SPAN);
  tracing.polled(batch, 't', undefined);
  tracing.delivering(batch, 'rooms')(3);
  assert.equal(message.trace, undefined);
  assert.equal(message.span, undefined);
  assert.deepEqual(spans(), []);
});

test('a traceparent that says "not sampled" is respected and goes on as it came', () => {
  const { tracing, spans } = setUp({ sample: 1 });
  const message = messageWith({ traceparent: UNSAMPLED, tracestate: 'vendor=1' });
  tracing.received(message, 'rooms', 'c', undefined);
  tracing.sending([message], 't').end();
  assert.deepEqual(message.trace, { traceparent: UNSAMPLED, tracestate: 'vendor=1' });
  assert.deepEqual(spans(), []);
});

test('a malformed traceparent counts as none and is not written to the log', () => {
  const { tracing, spans } = setUp();
  const message = messageWith('00-hello');
  tracing.received(message, 'rooms', 'c', undefined);
  assert.equal(message.trace, undefined);
  assert.deepEqual(spans(), []);
});

test('clients beyond max_per_second continue with flags 00 and are counted; picked messages stay sampled', () => {
  const { tracing, named, suppressed } = setUp({ sample: 1, maxPerSecond: 2 });
  const asking = Array.from({ length: 5 }, () => messageWith({ traceparent: SAMPLED, tracestate: 'vendor=1' }));
  for (const message of asking) tracing.received(message, 'rooms', 'c', undefined);
  assert.equal(inTrace(named('receive rooms'), TRACE_ID).length, 2);
  assert.equal(suppressed(), 3);
  for (const message of asking.slice(2)) {
    assert.deepEqual(message.trace, { traceparent: UNSAMPLED, tracestate: 'vendor=1' });
    assert.equal(message.span, undefined);
  }
  const picked = Array.from({ length: 3 }, () => messageWith());
  for (const message of picked) tracing.received(message, 'rooms', 'c', undefined);
  assert.deepEqual(
    picked.map((message) => message.trace !== undefined),
    [true, true, false],
  );
  assert.equal(suppressed(), 4);
});

test('records that all say "sampled" are recorded up to ten times max_per_second and keep their headers', () => {
  const { tracing, named, suppressed } = setUp({ maxPerSecond: 1 });
  const records = Array.from({ length: 15 }, () => messageWith(SAMPLED));
  tracing.polled(new Batch(records), 't', undefined);
  assert.equal(named('process t').length, 10);
  assert.equal(suppressed(), 5);
  assert.equal(records[14]?.trace?.traceparent, SAMPLED);
});

test('a handshake continues the traceparent of its header, or else of its query', () => {
  const { tracing, named } = setUp();
  const common = { route: '/ws/:room', endpoint: 'rooms', url: `/ws/1?traceparent=${SAMPLED}&token=secret` };
  tracing.handshake({ ...common, headers: { traceparent: SAMPLED }, query: {} })?.end(101);
  tracing.handshake({ ...common, headers: {}, query: { traceparent: SAMPLED } })?.end(503);
  const [first, second] = named('GET /ws/:room');
  for (const span of [first, second]) {
    assert.equal(span?.kind, SpanKind.SERVER);
    assert.equal(span?.parentSpanContext?.spanId, SPAN_ID);
    assert.equal(span?.spanContext().traceId, TRACE_ID);
    assert.equal(span?.attributes['url.path'], '/ws/1');
    assert.ok(!JSON.stringify(span?.attributes).includes('secret'));
  }
  assert.equal(first?.attributes['http.response.status_code'], 101);
  assert.equal(first?.status.code, SpanStatusCode.UNSET);
  assert.equal(second?.status.code, SpanStatusCode.ERROR);
});

test('a handshake whose traceparent cannot be parsed is one without: the query counts, or the ratio', () => {
  const { tracing, named } = setUp({ sample: 1, handshakes: true });
  const common = { route: '/ws', endpoint: 'rooms', url: '/ws' };
  tracing.handshake({ ...common, headers: { traceparent: 'garbage' }, query: { traceparent: SAMPLED } })?.end(101);
  tracing.handshake({ ...common, headers: { traceparent: SAMPLED.toUpperCase() }, query: {} })?.end(101);
  const [ofQuery, own] = named('GET /ws');
  assert.equal(ofQuery?.parentSpanContext?.spanId, SPAN_ID);
  assert.ok(own !== undefined && own.parentSpanContext === undefined);
});

test('a handshake that says "not sampled", or was not picked, is not recorded', () => {
  const picking = setUp({ sample: 1, handshakes: true });
  const request = { route: '/ws', endpoint: 'rooms', url: '/ws', query: {} };
  assert.equal(picking.tracing.handshake({ ...request, headers: { traceparent: UNSAMPLED } }), undefined);
  assert.equal(setUp().tracing.handshake({ ...request, headers: {} }), undefined);
});

test('a failure marks the batch and its messages, a refusal its own message alone', () => {
  const { tracing, named } = setUp({ batches: true });
  const messages = [messageWith(SAMPLED), messageWith(SAMPLED)];
  for (const message of messages) tracing.received(message, 'rooms', 'c', undefined);
  tracing.processing(new Batch(messages), 'p').end(new TidegateError('TG_FLOW_FAILED', 'it broke'));
  assert.deepEqual(
    named('process p').map((span) => [span.status.code, span.attributes['error.type']]),
    Array(3).fill([SpanStatusCode.ERROR, 'TG_FLOW_FAILED']),
  );
  const failure = new TidegateError('TG_RECORD_TOO_LARGE', 'too large');
  tracing.sending(messages, 't').end(undefined, [{ index: 1, failure }]);
  assert.deepEqual(
    inTrace(named('send t'), TRACE_ID).map((span) => span.attributes['error.type']),
    [undefined, 'TG_RECORD_TOO_LARGE'],
  );
});

test('parts of a split message stay in its trace', () => {
  const { tracing, named } = setUp();
  const message = messageWith(SAMPLED);
  tracing.received(message, 'rooms', 'c', undefined);
  const parts = message.split([{ payload: Buffer.from('1') }, { payload: Buffer.from('2') }]);
  tracing.sending(parts, 't').end();
  const sent = inTrace(named('send t'), TRACE_ID);
  assert.deepEqual(
    sent.map((span) => span.parentSpanContext?.spanId),
    Array(2).fill(named('receive rooms')[0]?.spanContext().spanId),
  );
  assert.notEqual(parts[0]?.trace?.traceparent, parts[1]?.trace?.traceparent);
});

test('by default a message leaves its six spans only, and a handshake without a trace leaves none', () => {
  const { tracing, spans } = setUp({ sample: 1 });
  const handshake = tracing.handshake({ headers: {}, query: {}, route: '/ws', endpoint: 'rooms', url: '/ws' });
  assert.equal(handshake, undefined);
  const message = messageWith();
  const batch = new Batch([message]);
  tracing.received(message, 'rooms', 'c', handshake);
  tracing.processing(batch, 'in').end();
  tracing.sending([message], 't').end();
  tracing.polled(batch, 't', undefined);
  tracing.processing(batch, 'out').end();
  tracing.delivering(batch, 'rooms')(1);
  assert.deepEqual(
    spans().map(({ name, links }) => [name, links.length]),
    [
      ['receive rooms', 0],
      ['process in', 0],
      ['send t', 0],
      ['process t', 0],
      ['process out', 0],
      ['deliver rooms', 0],
    ],
  );
  assert.equal(new Set(spans().map((span) => span.spanContext().traceId)).size, 1);
});

test('a handshake that its client traces is recorded whatever the options are', () => {
  const { tracing, named } = setUp({ sample: 0, handshakes: false });
  const request = { query: {}, route: '/ws/{room}', endpoint: 'rooms', url: '/ws/1', params: { room: '1' } };
  tracing.handshake({ ...request, headers: { traceparent: SAMPLED } })?.end(101);
  assert.equal(named('GET /ws/{room}')[0]?.attributes['tidegate.param.room'], '1');
});

test('spans carry what a message is searched for by: id, key, endpoint and the parameters of its path', () => {
  const { tracing, spans, named } = setUp();
  const message = new Message(Buffer.from('{}'), {
    trace: { traceparent: SAMPLED },
    headers: [['message-id', Buffer.from('m-1')]],
    meta: { client_id: 'c', endpoint: 'rooms', room: 'blue' },
  });
  tracing.received(message, 'rooms', 'c', undefined, { room: 'blue' });
  const keyed = message.withKey('Ada');
  tracing.processing(new Batch([keyed]), 'in').end();
  tracing.sending([keyed], 't').end();
  const record = new Message(Buffer.from('{}'), {
    trace: { traceparent: SAMPLED },
    key: Buffer.from('Ada'),
    headers: [['message-id', Buffer.from('m-1')]],
    ...{ topic: 't', partition: 2, offset: 41 },
  });
  tracing.polled(new Batch([record]), 't', undefined);
  tracing.delivering(new Batch([record]), 'screens')(3);
  assert.deepEqual(
    spans().map(({ attributes }) => attributes['messaging.message.id']),
    Array(5).fill('m-1'),
  );
  assert.deepEqual(
    spans().map(({ attributes }) => attributes['messaging.kafka.message.key']),
    [undefined, 'Ada', 'Ada', 'Ada', 'Ada'],
  );
  assert.deepEqual(
    spans().map(({ attributes }) => attributes['tidegate.endpoint']),
    ['rooms', 'rooms', 'rooms', undefined, 'screens'],
  );
  assert.equal(named('receive rooms')[0]?.attributes['tidegate.param.room'], 'blue');
  const [deliver] = named('deliver screens');
  assert.equal(deliver?.attributes['messaging.kafka.offset'], 41);
  assert.equal(deliver?.attributes['messaging.destination.partition.id'], '2');
  assert.equal(named('send t')[0]?.attributes['tidegate.batch.message_count'], 1);
});

test('an id that only the codec knows is in the first span, and a key that is not text in none', () => {
  const { tracing, named } = setUp();
  const ids = [7, 'm-7', new ExactNumber('12345678901234567890'), undefined, { no: 'id' }, 'x'.repeat(1_000)].map(
    (id) => {
      const message = messageWith(SAMPLED);
      message.key = Buffer.from([0xff, 0xfe]);
      tracing.received(message, 'rooms', 'c', undefined, {}, id);
      return named('receive rooms').at(-1)?.attributes['messaging.message.id'];
    },
  );
  assert.deepEqual(ids, ['7', 'm-7', '12345678901234567890', undefined, undefined, 'x'.repeat(256)]);
  assert.equal('messaging.kafka.message.key' in (named('receive rooms')[0]?.attributes ?? {}), false);
});

test('a frame that is refused has a span with the reason, if it is picked', () => {
  const { tracing, named } = setUp({ sample: 1, maxPerSecond: 2 });
  const refuse = () =>
    tracing.refusedFrame('rooms', 'c', undefined, { room: '1' }, 'not_json', 'the frame is not JSON');
  for (let n = 0; n < 3; n++) refuse();
  assert.equal(named('receive rooms').length, 2);
  const [span] = named('receive rooms');
  assert.deepEqual(span?.status, { code: SpanStatusCode.ERROR, message: 'the frame is not JSON' });
  assert.equal(span?.attributes['error.type'], 'not_json');
  assert.equal(span?.attributes['messaging.client.id'], 'c');
  assert.equal(span?.attributes['tidegate.param.room'], '1');
  const none = setUp();
  none.tracing.refusedFrame('rooms', 'c', undefined, {}, 'not_json', 'no');
  assert.deepEqual(none.spans(), []);
});

test('nonsense from clients does not use up what their messages may have', () => {
  const { tracing, named } = setUp({ sample: 1, maxPerSecond: 1 });
  for (let n = 0; n < 5; n++) tracing.refusedFrame('rooms', 'c', undefined, {}, 'not_json', 'no');
  tracing.received(messageWith(), 'rooms', 'c', undefined);
  assert.equal(named('receive rooms').filter(({ status }) => status.code === SpanStatusCode.UNSET).length, 1);
});

test('a message that fails in a step marks the span of that step, and none that is over', () => {
  const { tracing, named } = setUp();
  const message = messageWith(SAMPLED);
  const failure = new TidegateError('TG_PROCESSOR_FAILED', 'no such field');
  tracing.received(message, 'rooms', 'c', undefined);
  tracing.failed(message, failure);
  const step = tracing.processing(new Batch([message]), 'in');
  tracing.failed(message, failure);
  step.end();
  tracing.failed(messageWith(), failure);
  assert.deepEqual(named('receive rooms')[0]?.status.code, SpanStatusCode.UNSET);
  assert.deepEqual(named('process in')[0]?.status, { code: SpanStatusCode.ERROR, message: 'no such field' });
  assert.equal(named('process in')[0]?.attributes['error.type'], 'TG_PROCESSOR_FAILED');
});

test('a handshake continues the trace of the listed formats, in their order, and ignores others', () => {
  const { tracing, named } = setUp({ propagation: propagationOf(['jaeger', 'b3']) });
  const common = { route: '/ws', endpoint: 'rooms', url: '/ws', query: {} };
  const [ofB3, ofJaeger] = ['1'.repeat(16), '2'.repeat(16)];
  const b3 = `${TRACE_ID}-${ofB3}-1`;
  tracing.handshake({ ...common, headers: { b3, 'uber-trace-id': `${TRACE_ID}:${ofJaeger}:0:1` } })?.end(101);
  tracing.handshake({ ...common, headers: {}, query: { b3 } })?.end(101);
  assert.equal(tracing.handshake({ ...common, headers: { traceparent: SAMPLED } }), undefined);
  const parents = named('GET /ws').map(({ parentSpanContext }) => parentSpanContext?.spanId);
  assert.deepEqual(parents, [ofJaeger, ofB3]);
});

test('a message that a processor drops is marked on the span of that step, and on no other', () => {
  const { tracing, named } = setUp();
  const [dropped, other] = [messageWith(SAMPLED), messageWith(SAMPLED)];
  for (const message of [dropped, other]) tracing.received(message, 'rooms', 'c', undefined);
  const span = tracing.processing(new Batch([dropped, other]), 'in');
  tracing.filtered(dropped, 'processors[1].filter');
  span.end();
  tracing.filtered(other, 'processors[9].late');
  tracing.filtered(messageWith(), 'processors[1].filter');
  const told = named('process in').map(({ attributes }) => [
    attributes['tidegate.outcome'],
    attributes['tidegate.processor'],
  ]);
  assert.deepEqual(told, [
    ['filtered', 'processors[1].filter'],
    [undefined, undefined],
  ]);
  for (const { attributes } of named('receive rooms')) assert.equal(attributes['tidegate.outcome'], undefined);
});

test('a dialled handshake is a span with its fields in all listed formats, where handshakes are picked', () => {
  const { tracing, named } = setUp({ sample: 1, handshakes: true, propagation: propagationOf(['w3c', 'b3']) });
  const [good, bad] = [
    tracing.dialling('pipelines.in.source', 'wss://a/'),
    tracing.dialling('pipelines.in.source', 'wss://a/'),
  ];
  good?.end();
  good?.end('too late');
  bad?.end('no server answers');
  const spans = named('dial pipelines.in.source');
  assert.deepEqual(
    spans.map(({ kind, status, attributes }) => [SpanKind[kind], status.message, attributes['url.full']]),
    [
      ['CLIENT', undefined, 'wss://a/'],
      ['CLIENT', 'no server answers', 'wss://a/'],
    ],
  );
  const { traceId, spanId } = spans[0]?.spanContext() ?? { traceId: '', spanId: '' };
  assert.deepEqual(good?.fields, [
    ['traceparent', `00-${traceId}-${spanId}-01`],
    ['b3', `${traceId}-${spanId}-1`],
  ]);
  assert.equal(setUp({ sample: 1 }).tracing.dialling('c', 'wss://a/'), undefined);
});

test('a span of a component is a child of the step of its message, and carries the trace', () => {
  const { tracing, named } = setUp();
  const message = messageWith(SAMPLED);
  tracing.received(message, 'rooms', 'client-1', undefined);
  const processing = tracing.processing(new Batch([message]), 'rooms-in');
  const call = tracing.component(message, 'GET /places', { attempt: 1 });
  call.set({ status: 200 });
  call.end();
  const failed = tracing.component(new Batch([messageWith(), message, messageWith()]), 'POST');
  failed.end(new TidegateError('TG_PROCESSOR_BUSY', 'later'));
  tracing.component(message, 'PUT').end(new Error('no route'));
  processing.end();

  const [span] = named('GET /places');
  const [step] = named('process rooms-in');
  assert.ok(span !== undefined && step !== undefined);
  assert.equal(span.parentSpanContext?.spanId, step.spanContext().spanId);
  assert.equal(span.spanContext().traceId, TRACE_ID);
  assert.deepEqual(span.attributes, { attempt: 1, status: 200 });
  assert.equal(call.isRecorded, true);
  assert.deepEqual(call.headers, { traceparent: `00-${TRACE_ID}-${span.spanContext().spanId}-01` });
  const [post] = named('POST');
  assert.deepEqual(post?.status, { code: SpanStatusCode.ERROR, message: 'later' });
  assert.equal(post?.attributes['error.type'], 'TG_PROCESSOR_BUSY');
  assert.equal(post?.parentSpanContext?.spanId, step.spanContext().spanId);
  assert.deepEqual(named('PUT')[0]?.status, { code: SpanStatusCode.ERROR, message: 'no route' });
});

test('a component gets the same empty span for all that is not sampled', () => {
  const { tracing, spans } = setUp();
  assert.equal(tracing.component(messageWith(), 'GET'), NO_COMPONENT_SPAN);
  assert.equal(tracing.component(new Batch([messageWith(UNSAMPLED)]), 'GET'), NO_COMPONENT_SPAN);
  assert.deepEqual(NO_COMPONENT_SPAN.headers, {});
  assert.deepEqual(spans(), []);
});
