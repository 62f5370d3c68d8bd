import type { Clock } from '../../core/clock.ts';
import type { TidegateError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import { LineLimit } from '../../telemetry/line-limit.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { factsOf } from '../../telemetry/message-facts.ts';

/** Milliseconds between two lines. */
const PAUSE = 10_000;

/** Logs messages that failed for good: one line for all of a while, as clients may send thousands of invalid ones. */
export class FailureLog {
  private readonly logger: Logger;
  private readonly limit: LineLimit;

  constructor(logger: Logger, clock: Clock) {
    this.logger = logger;
    this.limit = new LineLimit(clock, PAUSE);
  }

  add(message: Message, failure: TidegateError): void {
    const count = this.limit.count('');
    if (count === 0) return;
    const others = count === 1 ? '' : `, the newest of ${count} since the last such line`;
    const thrown = failure.cause instanceof Error ? { cause: failure.cause.stack } : {};
    this.logger.warn(
      { code: failure.code, ...factsOf(message), ...thrown },
      `a message failed for good: ${failure.message}${others}`,
    );
  }
}
