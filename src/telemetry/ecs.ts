import pino from 'pino';
import { TidegateError } from '../core/errors.ts';

/** Whose names these are: https://www.elastic.co/guide/en/ecs/8.17/ecs-field-reference.html. */
const ECS_VERSION = '8.17.0';

/** Facts that ECS has a field for. Everything else is Tidegate's own, under `tidegate.`. */
const FIELDS: Readonly<Record<string, string>> = {
  scope: 'log.logger',
  trace_id: 'trace.id',
  span_id: 'span.id',
  cause: 'error.stack_trace',
};

const HEAD = { 'ecs.version': ECS_VERSION, 'service.name': 'tidegate' } as const;

/**
 * Options that make pino write lines by the Elastic Common Schema: `@timestamp`, `log.level`, `ecs.version`, `service.name`,
 * the facts and `message`. Names are dotted, as ecs-logging has them; Elasticsearch and Filebeat expand them. `facts` is
 * applied to the facts of each line before they get their names.
 */
export function ecsOptions(facts: (given: Record<string, unknown>) => Record<string, unknown>) {
  return {
    messageKey: 'message',
    timestamp: () => `,"@timestamp":"${new Date().toISOString()}"`,
    base: null,
    formatters: {
      level: (label: string) => ({ 'log.level': label }),
      log: (given: Record<string, unknown>) => ({ ...HEAD, ...ecsFields(facts(given)) }),
    },
  } satisfies pino.LoggerOptions;
}

/** What a line says, by the names of ECS. pino applies no formatter to the facts of a child: they are named before. */
export function ecsFields(facts: Record<string, unknown>): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(facts)) {
    if (value instanceof Error) Object.assign(fields, errorFields(value));
    else fields[fieldOf(name, value)] = value;
  }
  return fields;
}

/** A code is that of an error, or a number of WebSocket or Kafka: one field of an index has one type. */
function fieldOf(name: string, value: unknown): string {
  if (name === 'code' && typeof value === 'string') return 'error.code';
  return FIELDS[name] ?? `tidegate.${name}`;
}

/** Tidegate's own errors say what to do; their stack does not help the reader of the log. */
function errorFields(error: Error): Record<string, unknown> {
  if (error instanceof TidegateError) {
    const { code, message, cause } = error;
    return { 'error.code': code, 'error.message': cause instanceof Error ? `${message}: ${cause.message}` : message };
  }
  const { type, message, stack } = pino.stdSerializers.err(error);
  return { 'error.type': type, 'error.message': message, 'error.stack_trace': stack };
}
