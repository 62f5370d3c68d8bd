import {
  type Attributes,
  type Context,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  type SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { reasonOf, TidegateError } from '../core/errors.ts';
import type { Refusal } from '../core/log.ts';
import type { Message } from '../core/message.ts';
import { identityOf } from './span-attributes.ts';
import { formatTraceContext } from './traceparent.ts';
import type { BatchSpan, ComponentSpan, SpanAttributes } from './tracing.ts';

/** OpenTelemetry's own limit (OTEL_SPAN_LINK_COUNT_LIMIT): it drops what is above. */
const MAX_LINKS = 128;

/** A sampled message of a batch, and what its new span continues. */
export interface Sampled {
  readonly message: Message;
  readonly index: number;
  readonly parent: SpanContext;
}

/** How the span of a batch looks. */
export interface BatchStep {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
}

/** How the spans of a step look. */
export interface Step {
  /** Name of the spans of messages. */
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
  /** undefined where batches are not traced. */
  readonly batch: BatchStep | undefined;
}

/** Puts a message's span into the trace of its parent. */
export function under(parent: SpanContext): Context {
  return trace.setSpanContext(ROOT_CONTEXT, parent);
}

/** The messages of a list that have a span; undefined, and nothing allocated, when none has. */
export function sampledOf(messages: readonly Message[]): Sampled[] | undefined {
  let sampled: Sampled[] | undefined;
  for (let index = 0; index < messages.length; index++) {
    const message = messages[index] as Message;
    if (message.span === undefined) continue;
    sampled ??= [];
    sampled.push({ message, index, parent: (message.span as Span).spanContext() });
  }
  return sampled;
}

/**
 * The spans of one step: one for each sampled message, in the message's own trace. Where batches are traced, there is one
 * for the batch as well: a trace of its own that links to the messages, whose spans link to it.
 */
export class StepSpan implements BatchSpan {
  private readonly batch: Span | undefined;
  private readonly sampled: readonly Sampled[];
  private readonly spans: Span[];

  constructor(tracer: Tracer, step: Step, sampled: readonly Sampled[], messageCount: number) {
    this.batch = step.batch === undefined ? undefined : startBatch(tracer, step.batch, sampled, messageCount);
    const links: Link[] = this.batch === undefined ? [] : [{ context: this.batch.spanContext() }];
    this.sampled = sampled;
    this.spans = sampled.map(({ message, parent }) => {
      const attributes = { ...step.attributes, ...identityOf(message), 'tidegate.batch.message_count': messageCount };
      const span = tracer.startSpan(step.name, { kind: step.kind, links, attributes }, under(parent));
      message.span = span;
      return span;
    });
  }

  /** Calls back with each sampled message and its span. */
  each(visit: (message: Message, span: Span) => void): void {
    for (const [at, { message }] of this.sampled.entries()) visit(message, this.spans[at] as Span);
  }

  end(failure?: TidegateError, refusals?: readonly Refusal[]): void {
    if (failure !== undefined && this.batch !== undefined) fail(this.batch, failure);
    for (const [at, { index }] of this.sampled.entries()) {
      const span = this.spans[at] as Span;
      const reason = failure ?? refusals?.find((refusal) => refusal.index === index)?.failure;
      if (reason !== undefined) fail(span, reason);
      span.end();
    }
    this.batch?.end();
  }
}

/** The span of something that a component does. */
export class CallSpan implements ComponentSpan {
  readonly isRecorded = true;
  readonly headers: Readonly<Record<string, string>>;
  private readonly span: Span;

  constructor(span: Span) {
    this.span = span;
    const { traceparent, tracestate } = formatTraceContext(span.spanContext());
    this.headers = tracestate === undefined ? { traceparent } : { traceparent, tracestate };
  }

  set(attributes: SpanAttributes): void {
    this.span.setAttributes({ ...attributes });
  }

  end(failure?: unknown): void {
    if (failure instanceof TidegateError) fail(this.span, failure);
    else if (failure !== undefined && failure !== null)
      this.span.setStatus({ code: SpanStatusCode.ERROR, message: reasonOf(failure) });
    this.span.end();
  }
}

function startBatch(
  tracer: Tracer,
  { name, kind, attributes }: BatchStep,
  sampled: readonly Sampled[],
  messageCount: number,
): Span {
  const links: Link[] = sampled.slice(0, MAX_LINKS).map(({ parent }) => ({ context: parent }));
  const options = { kind, links, attributes: { ...attributes, 'messaging.batch.message_count': messageCount } };
  return tracer.startSpan(name, options, ROOT_CONTEXT);
}

export function fail(span: Span, failure: TidegateError): void {
  span.setAttribute('error.type', failure.code);
  span.setStatus({ code: SpanStatusCode.ERROR, message: failure.message });
}
