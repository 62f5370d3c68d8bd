import type { TraceContext } from './message.ts';

/** Ways to say in headers which trace something belongs to, by the names of `tracing.propagators`. */
export const TRACE_FORMATS = ['w3c', 'b3', 'jaeger'] as const;
export type TraceFormatName = (typeof TRACE_FORMATS)[number];

/** Text of a field by its name in lower case; undefined where there is none. */
export type FieldOf<Carrier> = (carrier: Carrier, name: string) => string | undefined;

/** One field and its value. */
export type Field = readonly [name: string, value: string];

export interface TraceFormat {
  /** All fields that it has, in lower case. */
  readonly fields: readonly string[];
  /** Undefined where there are none, or where they cannot be parsed: tracing never costs a message. Never throws. */
  read<Carrier>(carrier: Carrier, fieldOf: FieldOf<Carrier>): TraceContext | undefined;
  write(trace: TraceContext): Field[];
}

/** No id, and no list of them that is in use, is longer. */
export const MAX_FIELD_LENGTH = 512;

/** The same trace in the form that travels within the gateway; undefined where an id is all zeros. */
export function contextOf(traceId: string, spanId: string, isSampled: boolean): TraceContext | undefined {
  if (ZEROS.test(traceId) || ZEROS.test(spanId)) return undefined;
  return { traceparent: `00-${traceId.padStart(32, '0')}-${spanId.padStart(16, '0')}-${isSampled ? '01' : '00'}` };
}

const ZEROS = /^0+$/;
