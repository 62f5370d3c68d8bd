import { parseTraceparent } from './trace-context.ts';
import { contextOf, MAX_FIELD_LENGTH, type TraceFormat } from './trace-format.ts';

const TRACE_ID = 'uber-trace-id';
/** Trace, span, parent and flags; zeros in front may be left out, and `:` may be percent-encoded. */
const FIELD = /^([0-9a-f]{1,32})(?::|%3A)([0-9a-f]{1,16})(?::|%3A)[0-9a-f]{1,16}(?::|%3A)([0-9a-f]{1,2})$/i;
const SAMPLED = 1;

/**
 * Header of Jaeger's own clients (https://www.jaegertracing.io/sdk-migration/#propagation-format). Ids have to be
 * hexadecimal, which OpenTelemetry's propagator does not look at; and it records where it cannot read the flags.
 */
export const JAEGER_FORMAT: TraceFormat = {
  fields: [TRACE_ID],

  read(carrier, fieldOf) {
    const text = fieldOf(carrier, TRACE_ID);
    if (text === undefined || text.length > MAX_FIELD_LENGTH) return undefined;
    const [, traceId, spanId, flags] = FIELD.exec(text) ?? [];
    if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
    const isSampled = (Number.parseInt(flags, 16) & SAMPLED) !== 0;
    return contextOf(traceId.toLowerCase(), spanId.toLowerCase(), isSampled);
  },

  write({ traceparent }) {
    const parsed = parseTraceparent(traceparent);
    if (parsed === undefined) return [];
    return [[TRACE_ID, `${parsed.traceId}:${parsed.spanId}:0:0${Number.parseInt(parsed.flags, 16) & 1}`]];
  },
};
