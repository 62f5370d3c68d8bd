import { type Header, type Headers, type HeaderValue, lastHeader } from './headers.ts';
import type { TraceContext } from './message.ts';
import { parseTraceparent } from './trace-context.ts';

const TRACEPARENT = 'traceparent';
const TRACESTATE = 'tracestate';

/**
 * What the headers of a record say about its trace; the last one of a name counts. Undefined where it cannot be parsed:
 * such headers are headers as any other.
 */
export function traceIn(headers: Headers): TraceContext | undefined {
  let traceparent: HeaderValue = null;
  let tracestate: HeaderValue = null;
  for (let index = 0; index < headers.length; index += 1) {
    const header = headers[index] as Header;
    if (header[0] === TRACEPARENT) traceparent = header[1];
    else if (header[0] === TRACESTATE) tracestate = header[1];
  }
  if (traceparent === null) return undefined;
  const context = { traceparent: traceparent.toString('latin1') };
  if (parseTraceparent(context.traceparent) === undefined) return undefined;
  return tracestate === null ? context : { ...context, tracestate: tracestate.toString() };
}

/**
 * The headers that a record is written with: those of its message, where they do not say another trace than the message
 * has; else its trace at the end, in place of what they say.
 */
export function withTrace(headers: Headers, trace: TraceContext | undefined): Headers {
  if (trace === undefined || isSame(headers, trace)) return headers;
  const changed: Header[] = [];
  for (const header of headers) if (header[0] !== TRACEPARENT && header[0] !== TRACESTATE) changed.push(header);
  changed.push([TRACEPARENT, trace.traceparent]);
  if (trace.tracestate !== undefined) changed.push([TRACESTATE, trace.tracestate]);
  return changed;
}

function isSame(headers: Headers, { traceparent, tracestate }: TraceContext): boolean {
  const parent = lastHeader(headers, TRACEPARENT);
  if (parent === undefined || parent?.toString('latin1') !== traceparent) return false;
  return (lastHeader(headers, TRACESTATE) ?? undefined)?.toString() === tracestate;
}
