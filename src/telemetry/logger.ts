import { trace } from '@opentelemetry/api';
import pino from 'pino';
import pretty from 'pino-pretty';
import { TidegateError } from '../core/errors.ts';
import type { TraceContext } from '../core/message.ts';
import { debugScopes } from './debug-scopes.ts';
import { LEVELS, type Level, LogLevels } from './log-levels.ts';
import { parseTraceContext } from './traceparent.ts';

/**
 * Structured logging as components see it: a message that reads well, and facts beside it. The fact `scope` names the
 * part that speaks (`DEBUG=tidegate:SCOPE` makes it talkative), `error` takes an Error, `trace` a message's trace.
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
  /** Standard output where it is left out. A terminal gets short lines for people, anything else JSON lines. */
  readonly destination?: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

const SECRETS = ['password', 'token', 'authorization', 'secret', 'cookie'];
const REDACTED = SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

/** Throws TG_CONFIG_INVALID for a level that there is not. */
export function createLogger(options: LoggerOptions): Logger {
  const level = LEVELS.find((one) => one === options.level);
  if (level === undefined) {
    throw new TidegateError(
      'TG_CONFIG_INVALID',
      `there is no log level "${options.level}"; set LOG_LEVEL to one of ${LEVELS.join(', ')}`,
    );
  }
  const lines = pino(
    {
      // Which lines are written is decided before they get here.
      level: 'debug',
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: REDACTED, censor: '[redacted]' },
      serializers: { error: describeError, err: describeError },
      formatters: { level: (label) => ({ level: label }), log: withTraceIds },
    },
    streamFor(options.destination ?? process.stdout),
  );
  return new ScopedLogger(lines, new LogLevels(level, debugScopes(options.debug ?? '')), undefined);
}

/** A logger as LOG_LEVEL and DEBUG ask for it. */
export function createLoggerFromEnvironment(environment: Readonly<Record<string, string | undefined>>): Logger {
  return createLogger({ level: environment.LOG_LEVEL || 'info', debug: environment.DEBUG ?? '' });
}

/** Where the levels of a logger can be changed while it runs; undefined for a logger of the program's own. */
export function levelsOf(logger: Logger): LogLevels | undefined {
  return logger instanceof ScopedLogger ? logger.levels : undefined;
}

class ScopedLogger implements Logger {
  readonly levels: LogLevels;
  private readonly lines: pino.Logger;
  private readonly scope: string | undefined;

  constructor(lines: pino.Logger, levels: LogLevels, scope: string | undefined) {
    this.lines = lines;
    this.levels = levels;
    this.scope = scope;
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
    return new ScopedLogger(this.lines.child(facts), this.levels, scope);
  }

  private write(level: Exclude<Level, 'silent'>, facts: object, message: string): void {
    if (this.levels.allows(this.scope, level)) this.lines[level](facts, message);
  }
}

/** Lines for people are made in this process, so that none is lost when it ends. */
function streamFor(destination: NonNullable<LoggerOptions['destination']>): NodeJS.WritableStream {
  if (destination.isTTY !== true) return destination;
  return pretty({
    destination,
    colorize: true,
    singleLine: true,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'scope',
    messageFormat: '{if scope}{scope}: {end}{msg}',
  });
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

/** Our own errors say what to do; where they were made helps nobody who reads the log. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (!(error instanceof TidegateError)) return pino.stdSerializers.err(error);
  const { cause } = error;
  return {
    code: error.code,
    message: error.message,
    ...(cause instanceof Error ? { cause: cause.message } : {}),
  };
}
