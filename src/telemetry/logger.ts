import { trace } from '@opentelemetry/api';
import pino from 'pino';
import { TidegateError } from '../core/errors.ts';
import type { TraceContext } from '../core/message.ts';
import { debugScopes } from './debug-scopes.ts';
import { ecsFields, ecsOptions } from './ecs.ts';
import { LEVELS, type Level, LogLevels } from './log-levels.ts';
import { prettyStream, printable } from './pretty-lines.ts';
import { parseTraceContext } from './traceparent.ts';

/**
 * Structured logging as components see it: a message that reads well, and facts beside it. The fact `scope` names the
 * part that logs (`DEBUG=tidegate:SCOPE` makes it talkative), `error` takes an Error, `trace` a message's trace.
 */
export interface Logger {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
  /** A logger whose lines carry these facts. */
  child(facts: Record<string, unknown>): Logger;
}

export interface LoggerOptions {
  /** Lines below are left out: debug, info, warn, error or silent. */
  readonly level: string;
  /** Scopes whose debug lines are written whatever the level is, such as `tidegate:lane,tidegate:kafka` or `tidegate:*`. */
  readonly debug?: string;
  /** One of `json`, `ecs` and `pretty`. Where it is left out, a terminal gets short lines, anything else JSON. */
  readonly format?: string;
  /** Standard output where it is left out. */
  readonly destination?: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

const SECRETS = ['password', 'token', 'authorization', 'secret', 'cookie'];

const FORMATS = ['json', 'ecs', 'pretty'] as const;
type Format = (typeof FORMATS)[number];

/** Throws TG_CONFIG_INVALID for a level or a format that there is not. */
export function createLogger(options: LoggerOptions): Logger {
  const level = LEVELS.find((one) => one === options.level);
  if (level === undefined) {
    throw new TidegateError(
      'TG_CONFIG_INVALID',
      `there is no log level "${options.level}"; set LOG_LEVEL to one of ${LEVELS.join(', ')}`,
    );
  }
  const destination = options.destination ?? process.stdout;
  const format = formatOf(options.format, destination.isTTY === true);
  const lines = pino(optionsOf(format), format === 'pretty' ? prettyStream(destination) : destination);
  return new ScopedLogger(lines, new LogLevels(level, debugScopes(options.debug ?? '')), format);
}

/** A logger as LOG_LEVEL, LOG_FORMAT and DEBUG ask for it. */
export function createLoggerFromEnvironment(environment: Readonly<Record<string, string | undefined>>): Logger {
  const { LOG_LEVEL: level, LOG_FORMAT: format, DEBUG: debug } = environment;
  return createLogger({ level: level || 'info', debug: debug ?? '', ...(format ? { format } : {}) });
}

/** Where the levels of a logger can be changed while it runs; undefined for a logger of the program's own. */
export function levelsOf(logger: Logger): LogLevels | undefined {
  return logger instanceof ScopedLogger ? logger.levels : undefined;
}

class ScopedLogger implements Logger {
  readonly levels: LogLevels;
  private readonly root: pino.Logger;
  private readonly lines: pino.Logger;
  private readonly format: Format;
  /** Those of each line. */
  private readonly facts: Readonly<Record<string, unknown>>;
  private readonly scope: string | undefined;

  constructor(
    root: pino.Logger,
    levels: LogLevels,
    format: Format,
    facts: Readonly<Record<string, unknown>> = {},
    scope?: string,
  ) {
    this.root = root;
    this.levels = levels;
    this.format = format;
    this.facts = facts;
    this.scope = scope;
    this.lines = this.linesWith(facts);
  }

  debug(facts: object, message: string): void {
    this.write('debug', facts, message);
  }

  info(facts: object, message: string): void {
    this.write('info', facts, message);
  }

  warn(facts: object, message: string): void {
    this.write('warn', facts, message);
  }

  error(facts: object, message: string): void {
    this.write('error', facts, message);
  }

  child(facts: Record<string, unknown>): Logger {
    const scope = typeof facts.scope === 'string' ? facts.scope : this.scope;
    if (scope !== undefined) this.levels.register(scope);
    return new ScopedLogger(this.root, this.levels, this.format, { ...this.facts, ...facts }, scope);
  }

  private write(level: Exclude<Level, 'silent'>, facts: object, message: string): void {
    if (!this.levels.allows(this.scope, level)) return;
    const others = Object.entries(this.facts).filter(([name]) => !Object.hasOwn(facts, name));
    const isRepeated = others.length < Object.keys(this.facts).length;
    const lines = isRepeated ? this.linesWith(Object.fromEntries(others)) : this.lines;
    lines[level](facts, message);
  }

  /** A child of pino's child would write a fact that both have twice, and Elasticsearch refuses such a line. */
  private linesWith(facts: Readonly<Record<string, unknown>>): pino.Logger {
    return this.root.child(this.format === 'ecs' ? ecsFields(facts) : facts);
  }
}

function formatOf(asked: string | undefined, isTerminal: boolean): Format {
  if (asked === undefined) return isTerminal ? 'pretty' : 'json';
  const format = FORMATS.find((one) => one === asked);
  if (format !== undefined) return format;
  throw new TidegateError(
    'TG_CONFIG_INVALID',
    `there is no log format "${asked}"; set LOG_FORMAT to one of ${FORMATS.join(', ')}`,
  );
}

function optionsOf(format: Format): pino.LoggerOptions {
  const isEcs = format === 'ecs';
  return {
    // Which lines are written is decided before they get here.
    level: 'debug',
    base: null,
    redact: { paths: redacted(isEcs ? 'tidegate.' : ''), censor: '[redacted]' },
    ...(isEcs
      ? ecsOptions(withTraceIds)
      : {
          timestamp: pino.stdTimeFunctions.isoTime,
          serializers: { error: describeError, err: describeError },
          formatters: { level: (label: string) => ({ level: label }), log: withTraceIds },
        }),
  };
}

/** Paths of secrets: in a line whose facts have this in front of their names, and in the objects that are facts. */
function redacted(prefix: string): string[] {
  return SECRETS.flatMap((name) => [`["${prefix}${name}"]`, `*.${name}`, `*.*.${name}`]);
}

function withTraceIds(facts: Record<string, unknown>): Record<string, unknown> {
  const { trace: given, ...rest } = facts;
  const context = isTrace(given) ? parseTraceContext(given) : trace.getActiveSpan()?.spanContext();
  if (context === undefined) return facts;
  return { ...rest, trace_id: context.traceId, span_id: context.spanId };
}

function isTrace(value: unknown): value is TraceContext {
  return typeof value === 'object' && value !== null && 'traceparent' in value && typeof value.traceparent === 'string';
}

/** Tidegate's own errors say what to do; their stack does not help the reader of the log. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (!(error instanceof TidegateError)) return withPlainStack(error);
  const { cause } = error;
  return {
    code: error.code,
    message: error.message,
    ...(cause instanceof Error ? { cause: cause.message } : {}),
  };
}

/** A stack begins with the message, in which a line's end would begin a line of its own on a terminal. */
function withPlainStack(error: Error): object {
  const { message, stack } = error;
  return { ...pino.stdSerializers.err(error), stack: stack?.replace(message, () => printable(message)) };
}
