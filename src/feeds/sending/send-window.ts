import type { Clock } from '../../core/clock.ts';
import { Fifo } from '../../core/fifo.ts';
import type { Quota } from '../../core/units.ts';

/**
 * Milliseconds by which the network may bring two messages closer together than they were sent. A delay that varies by tens of
 * them, and mostly also a packet that is lost and sent again: TCP waits 200 ms before it does.
 */
const JITTER = 250;

/**
 * A limit on messages that a server counts when they arrive: in any time of `period` and JITTER, wherever it begins, no more than
 * `count` are sent. So no more arrive in any `period`, in one that begins at a full second, or than a bucket of `count` tokens has.
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
    this.period = (period * this.count) / count + JITTER;
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
