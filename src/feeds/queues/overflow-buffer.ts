import { Fifo } from '../../core/fifo.ts';
import type { Message } from '../../core/message.ts';
import type { FeedSettings } from '../settings/source-settings.ts';

/** Keeps messages while the pipeline is congested and the server is not slowed down. */
export class OverflowBuffer<T extends { readonly message: Message }> {
  private readonly limits: FeedSettings['buffer'];
  private readonly overflow: 'drop_oldest' | 'drop_newest';
  private readonly messages = new Fifo<T>();
  private bytes = 0;

  constructor(limits: FeedSettings['buffer'], overflow: 'drop_oldest' | 'drop_newest') {
    this.limits = limits;
    this.overflow = overflow;
  }

  /** Returns what was dropped for it: older messages, or the message itself. */
  push(item: T): T[] {
    const { size } = item.message;
    if (size > this.limits.bytes) return [item];
    const dropped: T[] = [];
    while (!this.hasRoom(size)) {
      const oldest = this.overflow === 'drop_oldest' ? this.messages.shift() : undefined;
      if (oldest === undefined) return [...dropped, item];
      this.bytes -= oldest.message.size;
      dropped.push(oldest);
    }
    this.messages.push(item);
    this.bytes += size;
    return dropped;
  }

  /** The oldest messages, at most `max`. */
  take(max: number): T[] {
    const taken: T[] = [];
    while (taken.length < max) {
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
