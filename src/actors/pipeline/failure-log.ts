import type { Clock } from '../../core/clock.ts';
import type { TidegateError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import { LineLimit } from '../../telemetry/line-limit.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { factsOf } from '../../telemetry/message-facts.ts';

/** Milliseconds between two lines. */
const PAUSE = 10_000;

/** Logs messages that failed for good, or are tried again: one line for all of a while, as clients may send thousands of invalid ones. */
export class FailureLog {
  private readonly logger: Logger;
  private readonly limit: LineLimit;

  constructor(logger: Logger, clock: Clock) {
    this.logger = logger;
    this.limit = new LineLimit(clock, PAUSE);
  }

  add(message: Message, failure: TidegateError): void {
    const count = this.limit.count('failed');
    if (count === 0) return;
    const thrown = failure.cause instanceof Error ? { cause: failure.cause.stack } : {};
    this.logger.warn(
      { code: failure.code, ...factsOf(message), ...thrown },
      `a message failed for good: ${failure.message}${others(count)}`,
    );
  }

  /** A processor could not work on a message yet, such as while a server that it asks is away: its client waits meanwhile. */
  retried({ code, message }: TidegateError): void {
    const count = this.limit.count('retried');
    if (count > 0) this.logger.warn({ code }, `a message is tried again: ${message}${others(count)}`);
  }
}

function others(count: number): string {
  return count === 1 ? '' : `, the newest of ${count} since the last such line`;
}
