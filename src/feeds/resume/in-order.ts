import { Fifo } from '../../core/fifo.ts';
import type { Message } from '../../core/message.ts';

/** What happened to a message. */
type Outcome =
  | 'open'
  | 'settled'
  /** It was received before. */
  | 'duplicate'
  /** It failed for good, or was dropped. */
  | 'skipped';

/** The number of a message in its sequence, the first one if it has several, and what the sequence belongs to, as JSON. */
interface SequenceFacts {
  value: string | undefined;
  first: string | undefined;
  by: string | undefined;
}

/** A message from its arrival until all messages before it are settled. */
export interface Entry {
  readonly message: Message;
  /** The number of the connection that received it. */
  readonly connection: number;
  /** Otherwise it is only looked at for its number. */
  readonly isRecord: boolean;
  outcome: Outcome;
  /** As JSON. */
  cursor: string | undefined;
  id: string | undefined;
  /** undefined without `sequence`. */
  readonly sequence: SequenceFacts | undefined;
  /** Number of values that are still being evaluated. */
  pending: number;
}

/** Messages numbered 1, 2, 3, ... by arrival. They are taken in that order once they are settled. */
export class InOrder {
  private readonly entries = new Fifo<Entry>();
  private first = 1;

  get length(): number {
    return this.entries.length;
  }

  /** The next number is one higher than the last. */
  enter(entry: Entry): void {
    this.entries.push(entry);
  }

  find(number: number): Entry | undefined {
    return number < this.first ? undefined : this.entries.at(number - this.first);
  }

  /** The next message, once it is settled and its values are known. */
  take(): Entry | undefined {
    const entry = this.entries.peek();
    if (entry === undefined || entry.outcome === 'open' || entry.pending > 0) return undefined;
    this.first += 1;
    return this.entries.shift();
  }
}
