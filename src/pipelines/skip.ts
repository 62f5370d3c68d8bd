import type { TidegateError } from '../core/errors.ts';
import type { Message, Tracker } from '../core/message.ts';
import type { FailurePolicy } from './in-flight.ts';

/**
 * Skips messages that failed for good: their pipeline counts them as failed, for their source they are acked, and it goes
 * on behind them. `skipped` is called with each, as it came. A failure that says nothing about the message (the log is
 * away, the gateway stops) is not handled.
 */
export function skipping(skipped: (message: Message, failure: TidegateError) => void): FailurePolicy {
  return (message, failure) => {
    if (failure.next !== 'reject') return false;
    const skippedOne = message.derive({});
    skippedOne.tracker = new SkippedTracker(failure, message.tracker);
    skipped(message.source ?? message, failure);
    skippedOne.ack();
    return true;
  };
}

/** Acked towards its source, a failure towards its pipeline. */
class SkippedTracker implements Tracker {
  private readonly failure: TidegateError;
  private readonly outer: Tracker | undefined;

  constructor(failure: TidegateError, outer: Tracker | undefined) {
    this.failure = failure;
    this.outer = outer;
  }

  takeOver(): boolean {
    return false;
  }

  settled(message: Message): void {
    this.outer?.settled(message, this.failure);
  }
}
