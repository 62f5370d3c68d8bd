import type { Message } from '../core/message.ts';
import { parseTraceContext } from './traceparent.ts';

/**
 * What a log line about a message carries, as far as it is known: the client that sent it, where it is in the log, and
 * the ids by which its trace is found.
 */
export function factsOf(message: Message): Readonly<Record<string, unknown>> {
  const { topic, partition, offset, trace } = message;
  const { client_id } = message.meta;
  const context = trace === undefined ? undefined : parseTraceContext(trace);
  return {
    ...(client_id === undefined ? {} : { client_id }),
    ...(topic === undefined ? {} : { topic }),
    ...(partition < 0 ? {} : { partition }),
    ...(offset < 0 ? {} : { offset }),
    ...(context === undefined ? {} : { trace_id: context.traceId, span_id: context.spanId }),
  };
}
