import { Batch } from '../core/batch.ts';
import { CreditGate, type GateLimits } from '../core/credit-gate.ts';
import type { TidegateError } from '../core/errors.ts';
import type { Message, Tracker } from '../core/message.ts';
import { ProcessorFailure } from './processor-failure.ts';

/** What becomes of a message that failed: true where the policy takes it over, to settle it later. */
export type FailurePolicy = (message: Message, failure: TidegateError) => boolean;

export interface InFlightObserver {
  /** The gate has shut or opened. */
  gateChanged(open: boolean): void;
  /** A message is settled for good. */
  messageSettled(message: Message, failure: TidegateError | null): void;
  /** Nothing is in flight any more. */
  emptied(): void;
}

/** The messages of one pipeline between its gate and their settling: bounds them, counts them, and can nack them all. */
export class InFlightMessages implements Tracker {
  readonly gate: CreditGate;
  private readonly observer: InFlightObserver;
  private readonly policy: FailurePolicy;
  /** As admitted; a message that was derived from one of these settles through it. */
  private readonly admitted = new Set<Message>();

  constructor(limits: GateLimits, policy: FailurePolicy, observer: InFlightObserver) {
    this.gate = new CreditGate(limits, (open) => observer.gateChanged(open));
    this.policy = policy;
    this.observer = observer;
  }

  get size(): number {
    return this.admitted.size;
  }

  /** As admitted, oldest first. */
  get messages(): Iterable<Message> {
    return this.admitted;
  }

  /** Returns what is to be processed: a frame that its codec refused fails here, to become a dead letter. */
  admit(batch: Batch): Batch {
    let bytes = 0;
    let refused = 0;
    for (const message of batch.messages) {
      message.tracker = this;
      if (message.refusal !== undefined) refused += 1;
      if (message.cost === 0) message.cost = message.size;
      bytes += message.cost;
      this.admitted.add(message);
    }
    this.gate.take(batch.length, bytes);
    return refused === 0 ? batch : withoutRefused(batch);
  }

  takeOver(message: Message, failure: TidegateError): boolean {
    // Its dead letter was written when it was read for the first time.
    if (message.isReplayed) return false;
    if (failure instanceof ProcessorFailure && failure.isFinal) return false;
    return this.policy(message, failure);
  }

  settled(message: Message, failure: TidegateError | null): void {
    this.gate.give(1, message.cost);
    // During this call the message still has its place among those in flight.
    this.observer.messageSettled(message, failure);
    this.admitted.delete(message.source ?? message);
    if (this.admitted.size === 0) this.observer.emptied();
  }

  /** Nacks all messages in flight, whatever step they are in. */
  nackAll(failure: TidegateError): void {
    for (const message of [...this.admitted]) message.holder.nack(failure);
  }

  /** Nacks the messages that were admitted behind one that is just being settled. */
  nackBehind(message: Message, failure: TidegateError): void {
    const admitted = [...this.admitted];
    const at = admitted.indexOf(message.source ?? message);
    if (at < 0) return;
    for (const behind of admitted.slice(at + 1)) behind.holder.nack(failure);
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
