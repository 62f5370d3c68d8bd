import { Fifo } from '../../core/fifo.ts';
import type { Message } from '../../core/message.ts';

export interface HoldingLimits {
  readonly messages: number;
  readonly bytes: number;
  readonly whenFull: 'drop_oldest' | 'drop_newest';
}

/** Messages that wait for a pipeline that holds, while their feed is not slowed down. */
export class Holding<T extends { readonly message: Message }> {
  private readonly limits: HoldingLimits;
  private readonly messages = new Fifo<T>();
  private bytes = 0;

  constructor(limits: HoldingLimits) {
    this.limits = limits;
  }

  get length(): number {
    return this.messages.length;
  }

  /** Returns what had to be dropped for it: older ones, or itself. */
  push(item: T): T[] {
    const { size } = item.message;
    if (size > this.limits.bytes) return [item];
    const dropped: T[] = [];
    while (!this.hasRoom(size)) {
      const oldest = this.limits.whenFull === 'drop_oldest' ? this.messages.shift() : undefined;
      if (oldest === undefined) return [...dropped, item];
      this.bytes -= oldest.message.size;
      dropped.push(oldest);
    }
    this.messages.push(item);
    this.bytes += size;
    return dropped;
  }

  /** The oldest ones, at most `most`. */
  take(most: number): T[] {
    const taken: T[] = [];
    while (taken.length < most) {
      const item = this.messages.shift();
      if (item === undefined) break;
      this.bytes -= item.message.size;
      taken.push(item);
    }
    return taken;
  }

  private hasRoom(size: number): boolean {
    return this.messages.length < this.limits.messages && this.bytes + size <= this.limits.bytes;
  }
}
