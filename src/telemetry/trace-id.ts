import type { Span } from '@opentelemetry/api';
import type { Message } from '../core/message.ts';

/** The trace that this process records of the message; undefined where it records none. */
export function traceIdOf({ span }: Message): string | undefined {
  return span === undefined ? undefined : (span as Span).spanContext().traceId;
}
