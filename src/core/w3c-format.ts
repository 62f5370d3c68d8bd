import { traceContext } from './trace-context.ts';
import { MAX_FIELD_LENGTH, type TraceFormat } from './trace-format.ts';

/** Printable characters, as vendors' members are made of. */
const TRACESTATE = /^[\t\x20-\x7e]+$/;

/**
 * https://www.w3.org/TR/trace-context/. A `tracestate` that is malformed, or longer than all programs have to carry, is left
 * out: the trace goes on without it, and no client puts megabytes into headers by it.
 */
export const W3C_FORMAT: TraceFormat = {
  fields: ['traceparent', 'tracestate'],

  read(carrier, fieldOf) {
    const traceparent = fieldOf(carrier, 'traceparent');
    const trace = traceparent === undefined ? undefined : traceContext(traceparent);
    if (trace === undefined) return undefined;
    const tracestate = fieldOf(carrier, 'tracestate');
    const isSound = tracestate !== undefined && tracestate.length <= MAX_FIELD_LENGTH && TRACESTATE.test(tracestate);
    return isSound ? { ...trace, tracestate } : trace;
  },

  write({ traceparent, tracestate }) {
    return tracestate === undefined
      ? [['traceparent', traceparent]]
      : [
          ['traceparent', traceparent],
          ['tracestate', tracestate],
        ];
  },
};
