import { Batch } from '../core/batch.ts';
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

  /** Returns what is to be processed: a frame that its codec refused fails here, to become a dead letter. */
  admit(batch: Batch): Batch {
    let bytes = 0;
    let refused = 0;
    for (const message of batch.messages) {
      message.flight = this;
      if (message.refusal !== undefined) refused += 1;
      if (message.cost === 0) message.cost = message.size;
      bytes += message.cost;
      this.admitted.add(message);
    }
    this.gate.take(batch.length, bytes);
    return refused === 0 ? batch : withoutRefused(batch);
  }

  rescue(message: Message, failure: TidegateError): boolean {
    return this.tryRescue(message, failure);
  }

  landed(message: Message, failure: TidegateError | null): void {
    this.gate.give(1, message.cost);
    // While the observer looks, the message still has its place among those that are in flight.
    this.observer.landed(message, failure);
    this.admitted.delete(message.source ?? message);
    if (this.admitted.size === 0) this.observer.emptied();
  }

  /** Nacks all that is in flight, whatever step it is in. */
  nackAll(failure: TidegateError): void {
    for (const message of [...this.admitted]) message.nack(failure);
  }

  /** Nacks what was admitted behind a message that is just landing. */
  nackBehind(message: Message, failure: TidegateError): void {
    const admitted = [...this.admitted];
    const at = admitted.indexOf(message.source ?? message);
    if (at < 0) return;
    for (const behind of admitted.slice(at + 1)) behind.nack(failure);
  }
}

function withoutRefused({ messages }: Batch): Batch {
  const kept: Message[] = [];
  for (const message of messages) {
    if (message.refusal === undefined) kept.push(message);
    else message.nack(message.refusal);
  }
  return new Batch(kept);
}
