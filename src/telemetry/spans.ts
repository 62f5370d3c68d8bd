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
import type { TidegateError } from '../core/errors.ts';
import type { Refusal } from '../core/log.ts';
import type { Message } from '../core/message.ts';
import type { BatchSpan } from './tracing.ts';

/** OpenTelemetry's own limit (OTEL_SPAN_LINK_COUNT_LIMIT): it drops what is above. */
const MAX_LINKS = 128;

/** A sampled message of a batch, and what its new span continues. */
export interface Sampled {
  readonly message: Message;
  readonly index: number;
  readonly parent: SpanContext;
}

/** How the spans of a step look. */
export interface Step {
  /** Name of the spans of messages. */
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
  /** Where the span of the batch differs from those of its messages. */
  readonly batch?: { readonly name: string; readonly kind: SpanKind; readonly attributes: Attributes };
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
 * The spans of one step: one for the batch, a trace of its own that links to the messages, and one for each sampled
 * message in its own trace, which links to the batch.
 */
export class StepSpan implements BatchSpan {
  private readonly batch: Span;
  private readonly sampled: readonly Sampled[];
  private readonly spans: Span[];

  constructor(tracer: Tracer, step: Step, sampled: readonly Sampled[], messageCount: number) {
    const { name, kind, attributes } = step.batch ?? step;
    const links: Link[] = sampled.slice(0, MAX_LINKS).map(({ parent }) => ({ context: parent }));
    this.batch = tracer.startSpan(
      name,
      { kind, links, attributes: { ...attributes, 'messaging.batch.message_count': messageCount } },
      ROOT_CONTEXT,
    );
    const toBatch: Link[] = [{ context: this.batch.spanContext() }];
    this.sampled = sampled;
    this.spans = sampled.map(({ message, parent }) => {
      const options = { kind: step.kind, links: toBatch, attributes: step.attributes };
      const span = tracer.startSpan(step.name, options, under(parent));
      message.span = span;
      return span;
    });
  }

  /** Calls back with each sampled message and its span. */
  each(visit: (message: Message, span: Span) => void): void {
    for (const [at, { message }] of this.sampled.entries()) visit(message, this.spans[at] as Span);
  }

  end(failure?: TidegateError, refusals?: readonly Refusal[]): void {
    if (failure !== undefined) fail(this.batch, failure);
    for (const [at, { index }] of this.sampled.entries()) {
      const span = this.spans[at] as Span;
      const reason = failure ?? refusals?.find((refusal) => refusal.index === index)?.failure;
      if (reason !== undefined) fail(span, reason);
      span.end();
    }
    this.batch.end();
  }
}

function fail(span: Span, failure: TidegateError): void {
  span.setAttribute('error.type', failure.code);
  span.setStatus({ code: SpanStatusCode.ERROR, message: failure.message });
}

/** Where a record stands in the log. */
export function positionOf(message: Message): Attributes {
  if (message.partition < 0) return {};
  return {
    'messaging.destination.partition.id': String(message.partition),
    'messaging.kafka.offset': message.offset,
  };
}
