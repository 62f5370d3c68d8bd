/** Position of a message in a trace: W3C trace context as it travels in headers. */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** The fields of a `traceparent`, in lower case hex. */
export interface Traceparent {
  readonly version: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: string;
}

/** https://www.w3.org/TR/trace-context/#traceparent-header: version, trace id, parent id, flags; later versions may add more. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
/** The only one that is written. */
const VERSION = '00';
const NO_TRACE_ID = '0'.repeat(32);
const NO_SPAN_ID = '0'.repeat(16);
const SAMPLED = 1;

/** Undefined for what cannot be parsed, which W3C treats as if there were none. */
export function parseTraceparent(text: string): Traceparent | undefined {
  const [, version, traceId, spanId, flags, rest] = TRACEPARENT.exec(text) ?? [];
  if (version === undefined || traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (version === 'ff' || (version === VERSION && rest !== undefined)) return undefined;
  if (traceId === NO_TRACE_ID || spanId === NO_SPAN_ID) return undefined;
  return { version, traceId, spanId, flags };
}

/**
 * A `traceparent` that came in, as it travels on. A later version is written as 00, with the flag that 00 knows: nothing
 * may be assumed about its other fields. Undefined where it cannot be parsed: tracing never costs a message.
 */
export function traceContext(traceparent: string): TraceContext | undefined {
  const parsed = parseTraceparent(traceparent);
  if (parsed === undefined) return undefined;
  if (parsed.version === VERSION) return { traceparent };
  const flags = Number.parseInt(parsed.flags, 16) & SAMPLED ? '01' : '00';
  return { traceparent: `${VERSION}-${parsed.traceId}-${parsed.spanId}-${flags}` };
}
