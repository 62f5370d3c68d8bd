import type { TidegateError } from '../core/errors.ts';
import type { Flight, Message } from '../core/message.ts';
import type { Rescue } from './flight.ts';

/**
 * Passes over messages that failed for good: their pipeline counts them as failed, their source is told that they are
 * done and goes on behind them. `skipped` is told of each, as it came. A failure that says nothing about the message
 * (a log that is away, a gateway that stops) is left alone.
 */
export function skipping(skipped: (message: Message, failure: TidegateError) => void): Rescue {
  return (message, failure) => {
    if (failure.next !== 'reject') return false;
    const passed = message.derive({});
    passed.flight = new PassedOver(failure, message.flight);
    skipped(message.source ?? message, failure);
    passed.ack();
    return true;
  };
}

/** Acked towards its source, a failure towards its pipeline. */
class PassedOver implements Flight {
  private readonly failure: TidegateError;
  private readonly outer: Flight | undefined;

  constructor(failure: TidegateError, outer: Flight | undefined) {
    this.failure = failure;
    this.outer = outer;
  }

  rescue(): boolean {
    return false;
  }

  landed(message: Message): void {
    this.outer?.landed(message, this.failure);
  }
}
