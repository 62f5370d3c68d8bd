import { createTraceState, type SpanContext, TraceFlags } from '@opentelemetry/api';
import type { TraceContext } from '../core/message.ts';
import { parseTraceparent } from '../core/trace-context.ts';

/** A remote parent from what came in headers; undefined when it is malformed, which W3C treats as if there were none. */
export function parseTraceContext(trace: TraceContext): SpanContext | undefined {
  const parsed = parseTraceparent(trace.traceparent);
  if (parsed === undefined) return undefined;
  const { traceId, spanId, flags } = parsed;
  const traceFlags = Number.parseInt(flags, 16) & TraceFlags.SAMPLED;
  return trace.tracestate === undefined
    ? { traceId, spanId, traceFlags, isRemote: true }
    : { traceId, spanId, traceFlags, isRemote: true, traceState: createTraceState(trace.tracestate) };
}

/** What goes into headers so that the receiver continues after this span. */
export function formatTraceContext(context: SpanContext): TraceContext {
  const flags = context.traceFlags & TraceFlags.SAMPLED ? '01' : '00';
  const traceparent = `00-${context.traceId}-${context.spanId}-${flags}`;
  const tracestate = context.traceState?.serialize();
  return tracestate ? { traceparent, tracestate } : { traceparent };
}

export function isSampled(context: SpanContext): boolean {
  return (context.traceFlags & TraceFlags.SAMPLED) !== 0;
}
