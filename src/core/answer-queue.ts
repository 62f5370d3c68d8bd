import { Fifo } from './fifo.ts';

interface Slot {
  readonly correlation: unknown;
  answer: Buffer | null | undefined;
}

/** Bytes that a filled slot counts for beside its answer. */
const SLOT = 64;

/**
 * Keeps the answers of one connection in the order of the frames they answer: clients without ids match their ACKs
 * apart only by order. A slot is opened per message and filled when that message settles.
 */
export class AnswerQueue {
  /** Bytes of the answers that wait for one before them. */
  bytes = 0;
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
    if (found === undefined || found.answer !== undefined) return;
    found.answer = answer;
    this.bytes += weightOf(answer);
  }

  /** The answers that may go out now: the filled front of the queue. */
  takeReady(into: { push(answer: Buffer): unknown }): void {
    for (let slot = this.slots.peek(); slot !== undefined && slot.answer !== undefined; slot = this.slots.peek()) {
      this.slots.shift();
      this.first += 1;
      this.bytes -= weightOf(slot.answer);
      if (slot.answer !== null) into.push(slot.answer);
    }
  }
}

function weightOf(answer: Buffer | null): number {
  return SLOT + (answer === null ? 0 : answer.length);
}
