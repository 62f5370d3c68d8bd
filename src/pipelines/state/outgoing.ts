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
  private readonly drained: () => void;
  /** Records that are in flight until their results are stored. */
  private awaiting = 0;
  /** Results that the pipeline has taken and the log does not have. */
  private inFlight = 0;

  /** `drained`: the log has all results that the pipeline has taken. */
  constructor(drained: () => void = () => {}) {
    this.drained = drained;
  }

  /**
   * Whether results have to go on although the pipeline has no room: it may be full of records that wait for them. Then
   * there is one batch of results at a time.
   */
  get isUrgent(): boolean {
    return this.awaiting > 0 && this.inFlight === 0;
  }

  /** `done`: the log has all of them; `readiness`: whether a transaction may have them, once they are done. */
  add(results: Iterable<Message>, done: () => void, readiness: () => Readiness): void {
    this.queue.push(new Emission(results[Symbol.iterator](), { done, readiness, counted: this.counted }));
  }

  /** The same for a record that is in flight until then. */
  addFor(results: Iterable<Message>, done: () => void, readiness: () => Readiness): void {
    this.awaiting += 1;
    const landed = () => {
      this.awaiting -= 1;
      done();
    };
    this.add(results, landed, readiness);
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
    this.inFlight += batch.length;
    return batch.length === 0 ? undefined : new Batch(batch);
  }

  private readonly counted = (difference: 1 | -1): void => {
    this.inFlight += difference;
    if (this.inFlight === 0) this.drained();
  };
}

interface EmissionParts {
  /** The log has all of them, or a transaction will. */
  readonly done: () => void;
  /** Whether a transaction may have them, once they are done. */
  readonly readiness: () => Readiness;
  /** One is in flight again (1), or not any more (-1). */
  readonly counted: (difference: 1 | -1) => void;
}

/** Results that count as one: they are done when all of them are. */
class Emission implements SettleTarget {
  private readonly results: Iterator<Message>;
  private readonly parts: EmissionParts;
  hasBegun = false;
  private missing = 0;
  private isAtEnd = false;
  private isDone = false;
  /** Results that a transaction was refused for, and whose dead letters do not wait yet. */
  private refused = 0;
  private hasFailed = false;

  constructor(results: Iterator<Message>, parts: EmissionParts) {
    this.results = results;
    this.parts = parts;
  }

  next(): Message | undefined {
    const { done, value } = this.results.next();
    if (done === true) {
      this.isAtEnd = true;
      this.check();
      return undefined;
    }
    const result = value as Partial<Message> | undefined;
    if (typeof result?.settleTo !== 'function') throw new TypeError('it gave a result that is not a Message');
    this.hasBegun = true;
    this.missing += 1;
    result.settleTo(this);
    return value as Message;
  }

  /** One that failed for good ends the pipeline, or was taken over as a dead letter and comes back as acked. */
  settled(result: Message, failure: TidegateError | null): void {
    if (failure !== null) this.hasFailed ||= this.refused > 0;
    // One that waited for a transaction was counted when it began to wait.
    else if (!result.isStaged) this.landed();
  }

  /** What is in a transaction counts as stored: the note that says so is committed in the same one. */
  staged(): void {
    this.landed();
  }

  /** It still counts as stored for the operator, so no transaction is made before it waits again, be it as a dead letter. */
  unstaged(): void {
    this.refused += 1;
    this.missing += 1;
    this.parts.counted(1);
  }

  readiness(): Readiness {
    const readiness = this.parts.readiness();
    if (this.refused === 0 || readiness === 'lost') return readiness;
    return this.hasFailed ? 'failed' : 'refused';
  }

  private landed(): void {
    this.missing -= 1;
    if (this.refused > 0) this.refused -= 1;
    this.check();
    this.parts.counted(-1);
  }

  private check(): void {
    if (!this.isAtEnd || this.missing > 0 || this.isDone) return;
    this.isDone = true;
    this.parts.done();
  }
}
