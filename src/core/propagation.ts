import { B3_FORMAT } from './b3-format.ts';
import type { Header, Headers } from './headers.ts';
import { JAEGER_FORMAT } from './jaeger-format.ts';
import type { TraceContext } from './message.ts';
import type { Field, FieldOf, TraceFormat, TraceFormatName } from './trace-format.ts';
import { traceIn, withTrace } from './trace-headers.ts';
import { W3C_FORMAT } from './w3c-format.ts';

/** How a trace comes in and goes out: in headers of records, in fields of handshakes and frames. */
export interface Propagation {
  /** What the headers of a record say about its trace. Called for each record that is read. */
  traceIn(headers: Headers): TraceContext | undefined;
  /** The headers that a record is written with: unchanged where they say the message's trace already, or it has none. */
  withTrace(headers: Headers, trace: TraceContext | undefined): Headers;
  /** What other fields say. */
  read<Carrier>(carrier: Carrier, fieldOf: FieldOf<Carrier>): TraceContext | undefined;
  /** The fields of a handshake that is in this trace. */
  fields(trace: TraceContext): Field[];
}

const FORMATS: Readonly<Record<TraceFormatName, TraceFormat>> = {
  w3c: W3C_FORMAT,
  b3: B3_FORMAT,
  jaeger: JAEGER_FORMAT,
};

/** The first of the formats that is there decides; all of them are written. */
class ListedFormats implements Propagation {
  private readonly formats: readonly TraceFormat[];
  private readonly names: ReadonlySet<string>;

  constructor(formats: readonly TraceFormat[]) {
    this.formats = formats;
    this.names = new Set(formats.flatMap(({ fields }) => fields));
  }

  traceIn(headers: Headers): TraceContext | undefined {
    return headers.length === 0 ? undefined : this.read(headers, headerText);
  }

  withTrace(headers: Headers, trace: TraceContext | undefined): Headers {
    if (trace === undefined) return headers;
    const before = this.traceIn(headers);
    if (before?.traceparent === trace.traceparent && before.tracestate === trace.tracestate) return headers;
    const others: Header[] = headers.filter(([name]) => !this.names.has(name.toLowerCase()));
    return [...others, ...this.fields(trace)];
  }

  read<Carrier>(carrier: Carrier, fieldOf: FieldOf<Carrier>): TraceContext | undefined {
    for (let index = 0; index < this.formats.length; index += 1) {
      const trace = (this.formats[index] as TraceFormat).read(carrier, fieldOf);
      if (trace !== undefined) return trace;
    }
    return undefined;
  }

  fields(trace: TraceContext): Field[] {
    return this.formats.flatMap((format) => format.write(trace));
  }
}

const TRACE_CONTEXT = new ListedFormats([W3C_FORMAT]);

/** Records of most topics have no other headers of traces, and each of them is looked at: without a detour. */
export const W3C: Propagation = {
  traceIn,
  withTrace,
  read: (carrier, fieldOf) => TRACE_CONTEXT.read(carrier, fieldOf),
  fields: (trace) => TRACE_CONTEXT.fields(trace),
};

export function propagationOf(names: readonly TraceFormatName[]): Propagation {
  return names.length === 1 && names[0] === 'w3c' ? W3C : new ListedFormats(names.map((name) => FORMATS[name]));
}

/** Longer ones say no trace. */
const MAX_VALUE_LENGTH = 8_192;

/** The last header of that name counts. Zipkin's older clients write `X-B3-TraceId`; no record is an HTTP request. */
function headerText(headers: Headers, wanted: string): string | undefined {
  for (let index = headers.length - 1; index >= 0; index -= 1) {
    const [name, value] = headers[index] as Header;
    if (name.length !== wanted.length || (name !== wanted && name.toLowerCase() !== wanted)) continue;
    return value === null || value.length > MAX_VALUE_LENGTH ? undefined : value.toString('utf8');
  }
  return undefined;
}

/** Fields of a parsed frame or of a query, of which any may have been sent. */
export function ownText(carrier: object, name: string): string | undefined {
  const value: unknown = Object.hasOwn(carrier, name) ? (carrier as Record<string, unknown>)[name] : undefined;
  return typeof value === 'string' ? value : undefined;
}
