import { Batch } from '../../core/batch.ts';
import type { TidegateError } from '../../core/errors.ts';
import { Fifo } from '../../core/fifo.ts';
import type { Message, Readiness, SettleTarget } from '../../core/message.ts';

/** Results in one batch to the sink. */
const BATCH = 256;

/** What operators have given out, in their order, and the pipeline has not taken yet. */
export class Outgoing {
  /** Each session is one: there may be a million. */
  private readonly queue = new Fifo<Emission>();

  /** `done`: the log has all of them; `readiness`: whether a transaction may have them, once they are done. */
  add(results: Iterable<Message>, done: () => void, readiness: () => Readiness): void {
    this.queue.push(new Emission(results[Symbol.iterator](), done, readiness));
  }

  /** Whether only a part of what counts as one is out. */
  get hasBegun(): boolean {
    return this.queue.peek()?.hasBegun === true;
  }

  /** The next results, undefined where there are none. */
  next(): Batch | undefined {
    const batch: Message[] = [];
    for (let first = this.queue.peek(); first !== undefined && batch.length < BATCH; first = this.queue.peek()) {
      const result = first.next();
      if (result === undefined) this.queue.shift();
      else batch.push(result);
    }
    return batch.length === 0 ? undefined : new Batch(batch);
  }
}

/** Results that count as one: they are done when all of them are. */
class Emission implements SettleTarget {
  private readonly results: Iterator<Message>;
  private readonly done: () => void;
  readonly readiness: () => Readiness;
  hasBegun = false;
  private missing = 0;
  private isAtEnd = false;

  constructor(results: Iterator<Message>, done: () => void, readiness: () => Readiness) {
    this.results = results;
    this.done = done;
    this.readiness = readiness;
  }

  next(): Message | undefined {
    const { done, value } = this.results.next();
    if (done === true) {
      this.isAtEnd = true;
      this.check();
      return undefined;
    }
    this.hasBegun = true;
    this.missing += 1;
    const result = value as Message;
    result.settleTo(this);
    return result;
  }

  /** One that failed for good ends the pipeline, or was taken over as a dead letter and comes back as acked. */
  settled(result: Message, failure: TidegateError | null): void {
    if (failure !== null || result.isStaged) return;
    this.missing -= 1;
    this.check();
  }

  /** What is in a transaction counts as stored: the note that says so is committed in the same one. */
  staged(): void {
    this.missing -= 1;
    this.check();
  }

  private check(): void {
    if (this.isAtEnd && this.missing === 0) this.done();
  }
}
