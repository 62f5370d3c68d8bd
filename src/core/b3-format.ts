import { parseTraceparent } from './trace-context.ts';
import { contextOf, MAX_FIELD_LENGTH, type TraceFormat } from './trace-format.ts';

const [SINGLE, TRACE_ID, SPAN_ID, SAMPLED, FLAGS] = [
  'b3',
  'x-b3-traceid',
  'x-b3-spanid',
  'x-b3-sampled',
  'x-b3-flags',
] as const;
/** Trace, span, state and parent. */
const ONE_FIELD = /^([0-9a-f]{32}|[0-9a-f]{16})-([0-9a-f]{16})(?:-([01d])(?:-[0-9a-f]{16})?)?$/;
const TRACE = /^(?:[0-9a-f]{32}|[0-9a-f]{16})$/;
const SPAN = /^[0-9a-f]{16}$/;
/** No state leaves the decision to the receiver; it counts as "not sampled" here, as in OpenTelemetry. */
const STATES: ReadonlyMap<string | undefined, boolean> = new Map([
  [undefined, false],
  ['0', false],
  ['false', false],
  ['False', false],
  ['1', true],
  ['true', true],
  ['True', true],
  ['d', true],
]);

/**
 * Zipkin's headers (https://github.com/openzipkin/b3-propagation): read as one or as several, written as one. A state
 * without ids (`b3: 0`) is not a trace. Ids are matched whole, where OpenTelemetry's propagator takes them out of any text.
 */
export const B3_FORMAT: TraceFormat = {
  fields: [SINGLE, TRACE_ID, SPAN_ID, 'x-b3-parentspanid', SAMPLED, FLAGS],

  read(carrier, fieldOf) {
    const single = fieldOf(carrier, SINGLE);
    if (single !== undefined) {
      const [, traceId, spanId, state] = (single.length <= MAX_FIELD_LENGTH && ONE_FIELD.exec(single)) || [];
      if (traceId !== undefined && spanId !== undefined) return contextOf(traceId, spanId, STATES.get(state) === true);
    }
    const traceId = fieldOf(carrier, TRACE_ID);
    if (traceId === undefined || !TRACE.test(traceId)) return undefined;
    const spanId = fieldOf(carrier, SPAN_ID);
    if (spanId === undefined || !SPAN.test(spanId)) return undefined;
    const isSampled = fieldOf(carrier, FLAGS) === '1' || STATES.get(fieldOf(carrier, SAMPLED));
    return isSampled === undefined ? undefined : contextOf(traceId, spanId, isSampled);
  },

  write({ traceparent }) {
    const parsed = parseTraceparent(traceparent);
    if (parsed === undefined) return [];
    return [[SINGLE, `${parsed.traceId}-${parsed.spanId}-${Number.parseInt(parsed.flags, 16) & 1}`]];
  },
};
