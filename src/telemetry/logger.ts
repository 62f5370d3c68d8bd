import pino from 'pino';

/** Structured logging as components see it: a message that reads well, and facts beside it. */
export interface Logger {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
  /** A logger whose lines carry these facts. */
  child(facts: Record<string, unknown>): Logger;
}

export interface LoggerOptions {
  readonly level: string;
  readonly destination?: NodeJS.WritableStream;
}

export function createLogger(options: LoggerOptions): Logger {
  return pino({ level: options.level, base: null }, options.destination ?? process.stdout) as unknown as Logger;
}
