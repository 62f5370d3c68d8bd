import { Fifo } from './fifo.ts';

interface Slot {
  readonly correlation: unknown;
  answer: Buffer | null | undefined;
}

/**
 * Keeps the answers of one connection in the order of the frames they answer: clients without ids tell their ACKs
 * apart only by order. A slot is opened per message and filled when that message settles.
 */
export class AnswerQueue {
  private readonly slots = new Fifo<Slot>();
  private first = 0;

  /** Messages and frames that still wait for their answer. */
  get pending(): number {
    return this.slots.length;
  }

  /** Opens the next slot and returns its number, which becomes the message's token. */
  open(correlation: unknown): number {
    this.slots.push({ correlation, answer: undefined });
    return this.first + this.slots.length - 1;
  }

  correlation(slot: number): unknown {
    return this.slots.at(slot - this.first)?.correlation;
  }

  /** Fills a slot; null means there is nothing to say. */
  fill(slot: number, answer: Buffer | null): void {
    const found = this.slots.at(slot - this.first);
    if (found !== undefined) found.answer = answer;
  }

  /** The answers that may go out now: the filled front of the queue. */
  takeReady(into: Buffer[]): void {
    for (let slot = this.slots.peek(); slot !== undefined && slot.answer !== undefined; slot = this.slots.peek()) {
      if (slot.answer !== null) into.push(slot.answer);
      this.slots.shift();
      this.first += 1;
    }
  }
}
