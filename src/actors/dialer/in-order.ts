import { Fifo } from '../../core/fifo.ts';
import type { Message } from '../../core/message.ts';

/** What became of a message. */
type Outcome =
  | 'open'
  | 'settled'
  /** It came before. */
  | 'duplicate'
  /** It failed for good or was dropped. */
  | 'passed';

/** A message between its arrival and the settling of all before it. */
export interface Entry {
  readonly message: Message;
  /** Which of the connections it came by. */
  readonly connection: number;
  outcome: Outcome;
  /** As JSON. */
  cursor: string | undefined;
  id: string | undefined;
  /** Values that are still being worked out. */
  pending: number;
}

/** Messages by their number of arrival, 1, 2, 3, ..., from which they are taken in that order once they are settled. */
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

  /** The next one of which everything is known, and before which nothing is open. */
  take(): Entry | undefined {
    const entry = this.entries.peek();
    if (entry === undefined || entry.outcome === 'open' || entry.pending > 0) return undefined;
    this.first += 1;
    return this.entries.shift();
  }
}
