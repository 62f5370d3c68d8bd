import type { Clock } from '../../core/clock.ts';
import type { TidegateError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { factsOf } from '../../telemetry/message-facts.ts';

/** Milliseconds between two lines. */
const PAUSE = 10_000;

/** Tells of messages that failed for good: one line for all within a while, as clients may send nonsense by the thousand. */
export class Complaints {
  private readonly logger: Logger;
  private readonly clock: Clock;
  /** Messages that failed since the last line, and when the next one is due. */
  private untold = 0;
  private quietUntil = 0;

  constructor(logger: Logger, clock: Clock) {
    this.logger = logger;
    this.clock = clock;
  }

  add(message: Message, failure: TidegateError): void {
    this.untold += 1;
    if (this.clock.now() < this.quietUntil) return;
    const others = this.untold === 1 ? '' : `, the newest of ${this.untold} since the last such line`;
    const thrown = failure.cause instanceof Error ? { cause: failure.cause.stack } : {};
    this.logger.warn(
      { code: failure.code, ...factsOf(message), ...thrown },
      `a message failed for good: ${failure.message}${others}`,
    );
    this.untold = 0;
    this.quietUntil = this.clock.now() + PAUSE;
  }
}
