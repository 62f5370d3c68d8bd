import { type Link, ROOT_CONTEXT, type SpanContext, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api';
import type { Clock } from '../core/clock.ts';
import type { Message, TraceContext } from '../core/message.ts';
import { RateLimit, RatioSampler } from './sampling.ts';
import { positionOf, type Sampled, type Step, StepSpan, sampledOf, under } from './spans.ts';
import type { Counter, Stats } from './stats.ts';
import { formatTraceContext, isSampled, parseTraceContext } from './traceparent.ts';
import {
  type BatchSpan,
  type Handshake,
  type HandshakeRequest,
  type Messages,
  NO_SPAN,
  NOT_COUNTED,
  type Tracing,
} from './tracing.ts';

export interface SamplingOptions {
  /** Part of the messages without a `traceparent` of their own that is recorded, from 0 to 1. */
  readonly sample: number;
  /** How many messages a second are recorded because a client asks for it, and how many because they were picked. */
  readonly maxPerSecond: number;
}

/** Several gateways may write to the topics that one reads, each up to its own limit. */
const RECORDS_PER_MESSAGE = 10;

/**
 * Tracing that decides here what is recorded: the tracer must record every span that it is asked for. A message that
 * says "not sampled" stays so; one that says nothing is picked by ratio.
 */
export class SampledTracing implements Tracing {
  readonly enabled = true;
  private readonly tracer: Tracer;
  private readonly suppressed: Counter;
  private readonly handshakes: Admission;
  private readonly frames: Admission;
  private readonly records: RateLimit;

  constructor(tracer: Tracer, { sample, maxPerSecond }: SamplingOptions, stats: Stats, clock: Clock) {
    this.tracer = tracer;
    this.suppressed = stats.counter('tidegate_spans_suppressed_total');
    this.handshakes = new Admission(sample, maxPerSecond, clock);
    this.frames = new Admission(sample, maxPerSecond, clock);
    this.records = new RateLimit(maxPerSecond * RECORDS_PER_MESSAGE, clock);
  }

  handshake(request: HandshakeRequest): Handshake | undefined {
    const parent = handshakeParent(request);
    const admitted =
      parent === undefined ? this.handshakes.picked() : isSampled(parent) ? this.handshakes.asked() : false;
    return admitted === true ? startHandshake(this.tracer, request, parent) : undefined;
  }

  received(message: Message, endpoint: string, clientId: string, handshake: Handshake | undefined): void {
    let parent: SpanContext | undefined;
    if (message.trace !== undefined) {
      parent = parseTraceContext(message.trace);
      if (parent === undefined) message.trace = undefined;
      else if (!isSampled(parent)) return;
    }
    const admitted = parent === undefined ? this.frames.picked() : this.frames.asked();
    if (admitted === true) startReceive(this.tracer, message, endpoint, clientId, parent, handshake);
    else if (admitted === 'too many') {
      this.suppressed.value += 1;
      if (parent !== undefined) message.trace = unsampled(parent);
    }
  }

  processing({ messages }: Messages, pipeline: string): BatchSpan {
    const sampled = sampledOf(messages);
    if (sampled === undefined) return NO_SPAN;
    const attributes = { 'messaging.operation.name': 'process', 'tidegate.pipeline': pipeline };
    const step = { name: `process ${pipeline}`, kind: SpanKind.INTERNAL, attributes };
    return new StepSpan(this.tracer, step, sampled, messages.length);
  }

  sending(messages: readonly Message[], topic: string): BatchSpan {
    const sampled = sampledOf(messages);
    if (sampled === undefined) return NO_SPAN;
    const [name, attributes] = [`send ${topic}`, kafka('send', 'send', topic)];
    // Conventions: PRODUCER is the span whose context travels on.
    const step = { name, kind: SpanKind.PRODUCER, attributes, batch: { name, kind: SpanKind.CLIENT, attributes } };
    const spans = new StepSpan(this.tracer, step, sampled, messages.length);
    spans.each((message, span) => {
      message.trace = formatTraceContext(span.spanContext());
    });
    return {
      end(failure, refusals) {
        if (failure === undefined) spans.each((message, span) => span.setAttributes(positionOf(message)));
        spans.end(failure, refusals);
      },
    };
  }

  polled({ messages }: Messages, topic: string, group: string | undefined): void {
    const sampled = sampledRecords(messages, () => {
      const taken = this.records.takes();
      if (!taken) this.suppressed.value += 1;
      return taken;
    });
    if (sampled === undefined) return;
    const spans = new StepSpan(this.tracer, pollStep(topic, group), sampled, messages.length);
    spans.each((message, span) => span.setAttributes(positionOf(message)));
    spans.end();
  }

  delivering({ messages }: Messages, endpoint: string): (sockets: number) => void {
    const sampled = sampledOf(messages);
    if (sampled === undefined) return NOT_COUNTED;
    const options = { kind: SpanKind.PRODUCER, attributes: webSocket('deliver', 'send', endpoint) };
    const spans = sampled.map(({ parent }) => this.tracer.startSpan(`deliver ${endpoint}`, options, under(parent)));
    return (sockets) => {
      for (const span of spans) span.setAttribute('tidegate.sockets', sockets).end();
    };
  }
}

/** Whether a new trace may be recorded. Clients that ask for it do not eat up what the operator asked for. */
class Admission {
  private readonly ratio: RatioSampler;
  private readonly own: RateLimit;
  private readonly foreign: RateLimit;

  constructor(sample: number, maxPerSecond: number, clock: Clock) {
    this.ratio = new RatioSampler(sample);
    this.own = new RateLimit(maxPerSecond, clock);
    this.foreign = new RateLimit(maxPerSecond, clock);
  }

  picked(): boolean | 'too many' {
    if (!this.ratio.picks()) return false;
    return this.own.takes() || 'too many';
  }

  asked(): true | 'too many' {
    return this.foreign.takes() || 'too many';
  }
}

function handshakeParent(request: HandshakeRequest): SpanContext | undefined {
  const { traceparent, tracestate } = request.headers;
  const header = typeof traceparent === 'string' ? parseTraceContext(traceOf(traceparent, tracestate)) : undefined;
  if (header !== undefined) return header;
  const query = request.query.traceparent;
  return query === undefined ? undefined : parseTraceContext(traceOf(query, request.query.tracestate));
}

function traceOf(traceparent: string, tracestate: string | string[] | undefined): TraceContext {
  return tracestate === undefined ? { traceparent } : { traceparent, tracestate: String(tracestate) };
}

function startHandshake(tracer: Tracer, request: HandshakeRequest, parent: SpanContext | undefined): Handshake {
  const span = tracer.startSpan(
    `GET ${request.route}`,
    {
      kind: SpanKind.SERVER,
      attributes: {
        'http.request.method': 'GET',
        'http.route': request.route,
        // The query may hold a token.
        'url.path': request.url.split('?', 1)[0] ?? '',
        'url.scheme': 'ws',
        'user_agent.original': String(request.headers['user-agent'] ?? ''),
        'tidegate.endpoint': request.endpoint,
      },
    },
    parent === undefined ? ROOT_CONTEXT : under(parent),
  );
  return {
    context: span.spanContext(),
    end(status) {
      span.setAttribute('http.response.status_code', status);
      if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    },
  };
}

/** The span ends at once: what follows shows how long the message took, and a socket can die without settling it. */
function startReceive(
  tracer: Tracer,
  message: Message,
  endpoint: string,
  clientId: string,
  parent: SpanContext | undefined,
  handshake: Handshake | undefined,
): void {
  // Jaeger shows a span as a child of nothing when it links to its own parent.
  const linked = handshake !== undefined && handshake.context.spanId !== parent?.spanId;
  const links: Link[] = linked ? [{ context: handshake.context }] : [];
  const attributes = { ...webSocket('receive', 'receive', endpoint), 'messaging.client.id': clientId };
  const span = tracer.startSpan(
    `receive ${endpoint}`,
    { kind: SpanKind.CONSUMER, links, attributes },
    parent === undefined ? ROOT_CONTEXT : under(parent),
  );
  span.end();
  message.span = span;
  message.trace = formatTraceContext(span.spanContext());
}

/** The same position in the trace, told to record nothing further. */
function unsampled(parent: SpanContext): TraceContext {
  return formatTraceContext({ ...parent, traceFlags: 0 });
}

/** Records whose own headers say sampled; undefined, and nothing allocated, when there are none. */
function sampledRecords(messages: readonly Message[], takes: () => boolean): Sampled[] | undefined {
  let sampled: Sampled[] | undefined;
  for (let index = 0; index < messages.length; index++) {
    const message = messages[index] as Message;
    if (message.trace === undefined) continue;
    const parent = parseTraceContext(message.trace);
    if (parent === undefined || !isSampled(parent) || !takes()) continue;
    sampled ??= [];
    sampled.push({ message, index, parent });
  }
  return sampled;
}

function pollStep(topic: string, group: string | undefined): Step {
  const consumer = group === undefined ? {} : { 'messaging.consumer.group.name': group };
  return {
    name: `process ${topic}`,
    kind: SpanKind.CONSUMER,
    attributes: { ...kafka('process', 'process', topic), ...consumer },
    batch: {
      name: `poll ${topic}`,
      kind: SpanKind.CLIENT,
      attributes: { ...kafka('poll', 'receive', topic), ...consumer },
    },
  };
}

/** https://opentelemetry.io/docs/specs/semconv/messaging/kafka/ */
function kafka(operation: string, type: string, topic: string) {
  return {
    'messaging.system': 'kafka',
    'messaging.operation.name': operation,
    'messaging.operation.type': type,
    'messaging.destination.name': topic,
  };
}

/** There are no conventions for WebSockets, so those for messaging stand in. */
function webSocket(operation: string, type: string, endpoint: string) {
  return {
    'messaging.system': 'websocket',
    'messaging.operation.name': operation,
    'messaging.operation.type': type,
    'messaging.destination.name': endpoint,
    'network.protocol.name': 'websocket',
  };
}
