import type { Clock } from '../core/clock.ts';
import { Fifo } from '../core/fifo.ts';
import type { Quota } from '../core/units.ts';

/**
 * A limit on messages: in any time of `period`, wherever it begins, no more than `count` of them. Servers count so. A token bucket
 * would let twice as many through in the first period.
 */
export class SendWindow {
  private readonly count: number;
  private readonly period: number;
  private readonly clock: Clock;
  /** When the last `count` messages were sent. */
  private readonly sentAt = new Fifo<number>();

  /** A quota below 1 is one message in a longer time. */
  constructor({ count, period }: Quota, clock: Clock) {
    this.count = Math.max(1, Math.floor(count));
    this.period = (period * this.count) / count;
    this.clock = clock;
  }

  /** Milliseconds until the next message may be sent; 0 for now. */
  get delay(): number {
    if (this.sentAt.length < this.count) return 0;
    return Math.max(0, (this.sentAt.peek() ?? 0) + this.period - this.clock.elapsed());
  }

  sent(): void {
    this.sentAt.push(this.clock.elapsed());
    if (this.sentAt.length > this.count) this.sentAt.shift();
  }
}
