import {
  type Attributes,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type Tracer,
} from '@opentelemetry/api';
import type { Clock } from '../core/clock.ts';
import type { TidegateError } from '../core/errors.ts';
import type { Message, TraceContext } from '../core/message.ts';
import { type Propagation, W3C } from '../core/propagation.ts';
import { handshakeParent, startDial, startHandshake } from './handshake-span.ts';
import { PerSecondLimit, RatioSampler } from './sampling.ts';
import { identityOf, idText, kafka, positionOf, senderOf, webSocket } from './span-attributes.ts';
import { type BatchStep, CallSpan, fail, type Sampled, type Step, StepSpan, sampledOf, under } from './spans.ts';
import type { Counter, Stats } from './stats.ts';
import { formatTraceContext, isSampled, parseTraceContext } from './traceparent.ts';
import {
  type BatchSpan,
  type ComponentSpan,
  type Dial,
  type Handshake,
  type HandshakeRequest,
  type Messages,
  NO_COMPONENT_SPAN,
  NO_SPAN,
  NOT_COUNTED,
  type SpanAttributes,
  type Tracing,
} from './tracing.ts';

export interface SamplingOptions {
  /** Part of the messages without a `traceparent` of their own that is recorded, from 0 to 1. */
  readonly sample: number;
  /** How many messages a second are recorded because a client asks for it, and how many because they were picked. */
  readonly maxPerSecond: number;
  /** Whether each batch that holds a sampled message has a trace of its own, too. */
  readonly batches?: boolean;
  /** Whether handshakes are picked as messages are. One that a client traces is recorded in its trace in any case. */
  readonly handshakes?: boolean;
  /** By which fields handshakes say their trace; W3C where it is left out. */
  readonly propagation?: Propagation;
}

/** Several gateways may write to the topics that one reads, each up to its own limit. */
const RECORDS_PER_MESSAGE = 10;
/** Characters of the answer to a frame that is refused. */
const MAX_ANSWER = 1_024;
const NO_PARAMS: Readonly<Record<string, string>> = Object.freeze({});

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
  private readonly refused: Admission;
  private readonly records: PerSecondLimit;
  private readonly tracesBatches: boolean;
  private readonly propagation: Propagation;

  constructor(tracer: Tracer, options: SamplingOptions, stats: Stats, clock: Clock) {
    const { sample, maxPerSecond, batches = false, handshakes = false, propagation = W3C } = options;
    this.tracer = tracer;
    this.suppressed = stats.counter('tidegate_spans_suppressed_total');
    this.tracesBatches = batches;
    this.propagation = propagation;
    this.handshakes = new Admission(handshakes ? sample : 0, maxPerSecond, clock);
    this.frames = new Admission(sample, maxPerSecond, clock);
    this.refused = new Admission(sample, maxPerSecond, clock);
    this.records = new PerSecondLimit(maxPerSecond * RECORDS_PER_MESSAGE, clock);
  }

  handshake(request: HandshakeRequest): Handshake | undefined {
    const parent = handshakeParent(request, this.propagation);
    const admitted =
      parent === undefined ? this.handshakes.picked() : isSampled(parent) ? this.handshakes.asked() : false;
    return admitted === true ? startHandshake(this.tracer, request, parent) : undefined;
  }

  dialling(component: string, url: string): Dial | undefined {
    return this.handshakes.picked() === true ? startDial(this.tracer, component, url, this.propagation) : undefined;
  }

  received(
    message: Message,
    endpoint: string,
    clientId: string,
    handshake: Handshake | undefined,
    params: Readonly<Record<string, string>> = NO_PARAMS,
    id?: unknown,
  ): void {
    let parent: SpanContext | undefined;
    if (message.trace !== undefined) {
      parent = parseTraceContext(message.trace);
      if (parent === undefined) message.trace = undefined;
      else if (!isSampled(parent)) return;
    }
    const admitted = parent === undefined ? this.frames.picked() : this.frames.asked();
    if (admitted === true) {
      const text = idText(id);
      const attributes = {
        ...senderOf(clientId, params),
        ...(text === undefined ? {} : { 'messaging.message.id': text }),
        ...identityOf(message),
      };
      const span = startReceive(this.tracer, endpoint, attributes, parent, handshake);
      span.end();
      message.span = span;
      message.trace = formatTraceContext(span.spanContext());
    } else if (admitted === 'too many') {
      this.suppressed.value += 1;
      if (parent !== undefined) message.trace = unsampled(parent);
    }
  }

  refusedFrame(
    endpoint: string,
    clientId: string,
    handshake: Handshake | undefined,
    params: Readonly<Record<string, string>>,
    reason: string,
    answer: string,
  ): void {
    const admitted = this.refused.picked();
    if (admitted === 'too many') this.suppressed.value += 1;
    if (admitted !== true) return;
    const attributes = { ...senderOf(clientId, params), 'error.type': reason };
    startReceive(this.tracer, endpoint, attributes, undefined, handshake)
      .setStatus({ code: SpanStatusCode.ERROR, message: answer.slice(0, MAX_ANSWER) })
      .end();
  }

  failed(message: Message, failure: TidegateError): void {
    const span = message.span as Span | undefined;
    if (span?.isRecording()) fail(span, failure);
  }

  filtered(message: Message, processor: string): void {
    const span = message.span as Span | undefined;
    if (span?.isRecording()) span.setAttributes({ 'tidegate.outcome': 'filtered', 'tidegate.processor': processor });
  }

  component(of: Message | Messages, name: string, attributes?: SpanAttributes): ComponentSpan {
    const parent = ('messages' in of ? of.messages.findLast(({ span }) => span !== undefined)?.span : of.span) as
      | Span
      | undefined;
    if (parent === undefined) return NO_COMPONENT_SPAN;
    const options = attributes === undefined ? { kind: SpanKind.CLIENT } : { kind: SpanKind.CLIENT, attributes };
    return new CallSpan(this.tracer.startSpan(name, options, under(parent.spanContext())));
  }

  processing({ messages }: Messages, pipeline: string): BatchSpan {
    const sampled = sampledOf(messages);
    if (sampled === undefined) return NO_SPAN;
    const attributes = { 'messaging.operation.name': 'process', 'tidegate.pipeline': pipeline };
    const step = this.step({ name: `process ${pipeline}`, kind: SpanKind.INTERNAL, attributes });
    return new StepSpan(this.tracer, step, sampled, messages.length);
  }

  sending(messages: readonly Message[], topic: string): BatchSpan {
    const sampled = sampledOf(messages);
    if (sampled === undefined) return NO_SPAN;
    const [name, attributes] = [`send ${topic}`, kafka('send', 'send', topic)];
    // Conventions: PRODUCER is the span whose context travels on.
    const batch = { name, kind: SpanKind.CLIENT, attributes };
    const step = this.step({ name, kind: SpanKind.PRODUCER, attributes }, batch);
    const spans = new StepSpan(this.tracer, step, sampled, messages.length);
    spans.each((message, span) => {
      message.trace = formatTraceContext(span.spanContext());
    });
    return {
      traceId: sampled.at(-1)?.parent.traceId,
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
    const consumer = group === undefined ? {} : { 'messaging.consumer.group.name': group };
    const step = this.step(
      {
        name: `process ${topic}`,
        kind: SpanKind.CONSUMER,
        attributes: { ...kafka('process', 'process', topic), ...consumer },
      },
      { name: `poll ${topic}`, kind: SpanKind.CLIENT, attributes: { ...kafka('poll', 'receive', topic), ...consumer } },
    );
    const spans = new StepSpan(this.tracer, step, sampled, messages.length);
    spans.each((message, span) => span.setAttributes(positionOf(message)));
    spans.end();
  }

  delivering({ messages }: Messages, endpoint: string): (sockets: number) => void {
    const sampled = sampledOf(messages);
    if (sampled === undefined) return NOT_COUNTED;
    const spans = sampled.map(({ message, parent }) => {
      const attributes = {
        ...positionOf(message),
        ...identityOf(message),
        ...webSocket('deliver', 'send', endpoint),
      };
      return this.tracer.startSpan(`deliver ${endpoint}`, { kind: SpanKind.PRODUCER, attributes }, under(parent));
    });
    return (sockets) => {
      for (const span of spans) span.setAttribute('tidegate.sockets', sockets).end();
    };
  }

  /** `batch`: where the span of a batch differs from those of its messages. */
  private step(step: BatchStep, batch: BatchStep = step): Step {
    return { ...step, batch: this.tracesBatches ? batch : undefined };
  }
}

/** Whether a new trace may be recorded. Clients that ask for it do not eat up what the operator asked for. */
class Admission {
  private readonly ratio: RatioSampler;
  private readonly own: PerSecondLimit;
  private readonly foreign: PerSecondLimit;

  constructor(sample: number, maxPerSecond: number, clock: Clock) {
    this.ratio = new RatioSampler(sample);
    this.own = new PerSecondLimit(maxPerSecond, clock);
    this.foreign = new PerSecondLimit(maxPerSecond, clock);
  }

  picked(): boolean | 'too many' {
    if (!this.ratio.picks()) return false;
    return this.own.takes() || 'too many';
  }

  asked(): true | 'too many' {
    return this.foreign.takes() || 'too many';
  }
}

/** Its caller ends it at once: what follows shows how long the message took, and a socket can die without settling it. */
function startReceive(
  tracer: Tracer,
  endpoint: string,
  attributes: Attributes,
  parent: SpanContext | undefined,
  handshake: Handshake | undefined,
): Span {
  // Jaeger shows a span as a child of nothing when it links to its own parent.
  const linked = handshake !== undefined && handshake.context.spanId !== parent?.spanId;
  const links: Link[] = linked ? [{ context: handshake.context }] : [];
  return tracer.startSpan(
    `receive ${endpoint}`,
    {
      kind: SpanKind.CONSUMER,
      links,
      attributes: { ...attributes, ...webSocket('receive', 'receive', endpoint) },
    },
    parent === undefined ? ROOT_CONTEXT : under(parent),
  );
}

/** The same position in the trace, which records nothing further. */
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
