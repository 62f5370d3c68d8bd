import type { Clock } from '../core/clock.ts';
import type { Message } from '../core/message.ts';
import type { Pacing } from './pacing.ts';

/** Collects messages that clients publish into batches for each topic: of one event loop turn, or of an interval. */
export class Outgoing {
  private readonly write: (topic: string, messages: Message[]) => void;
  private readonly pacing: Pacing;
  private readonly clock: Clock;
  private readonly collected = new Map<string, Message[]>();
  private count = 0;
  private cancelFlush: (() => void) | undefined;

  constructor(write: (topic: string, messages: Message[]) => void, pacing: Pacing, clock: Clock) {
    this.write = write;
    this.pacing = pacing;
    this.clock = clock;
  }

  publish(topic: string, message: Message): void {
    const messages = this.collected.get(topic);
    if (messages === undefined) this.collected.set(topic, [message]);
    else messages.push(message);
    this.count += 1;
    if (this.count >= this.pacing.limit) this.flush();
    else this.cancelFlush ??= this.later();
  }

  flush(): void {
    this.cancelFlush?.();
    this.cancelFlush = undefined;
    this.count = 0;
    for (const [topic, messages] of this.collected) this.write(topic, messages);
    this.collected.clear();
  }

  private later(): () => void {
    const flush = () => this.flush();
    if (this.pacing.interval > 0) return this.clock.after(this.pacing.interval, flush);
    const immediate = setImmediate(flush);
    return () => clearImmediate(immediate);
  }
}
