import type { Batch } from '../core/batch.ts';
import { CreditGate, type GateLimits } from '../core/credit-gate.ts';
import type { TidegateError } from '../core/errors.ts';
import type { Flight, Message } from '../core/message.ts';

/** Takes a failed message over, to settle it later; false where that is not its business. */
export type Rescue = (message: Message, failure: TidegateError) => boolean;

export interface FlightObserver {
  /** The gate has shut or opened. */
  gateChanged(open: boolean): void;
  /** A message is settled for good. */
  landed(message: Message, failure: TidegateError | null): void;
  /** Nothing is in flight any more. */
  emptied(): void;
}

/** Everything of one pipeline between its gate and the settling: it bounds, counts, and can nack the lot. */
export class PipelineFlight implements Flight {
  readonly gate: CreditGate;
  private readonly observer: FlightObserver;
  private readonly tryRescue: Rescue;
  /** As admitted; a message that was derived from one of these settles through it. */
  private readonly admitted = new Set<Message>();

  constructor(limits: GateLimits, tryRescue: Rescue, observer: FlightObserver) {
    this.gate = new CreditGate(limits, (open) => observer.gateChanged(open));
    this.tryRescue = tryRescue;
    this.observer = observer;
  }

  get size(): number {
    return this.admitted.size;
  }

  admit(batch: Batch): void {
    let bytes = 0;
    for (const message of batch.messages) {
      message.flight = this;
      if (message.cost === 0) message.cost = message.size;
      bytes += message.cost;
      this.admitted.add(message);
    }
    this.gate.take(batch.length, bytes);
  }

  rescue(message: Message, failure: TidegateError): boolean {
    return this.tryRescue(message, failure);
  }

  landed(message: Message, failure: TidegateError | null): void {
    this.admitted.delete(message.source ?? message);
    this.gate.give(1, message.cost);
    this.observer.landed(message, failure);
    if (this.admitted.size === 0) this.observer.emptied();
  }

  /** Nacks all that is in flight, whatever step it is in. */
  nackAll(failure: TidegateError): void {
    for (const message of [...this.admitted]) message.nack(failure);
  }
}
