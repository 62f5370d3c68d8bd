import type { Clock, Message } from '../../sdk/index.ts';
import type { TokenBuckets } from './token-buckets.ts';

interface Queue {
  messages: Message[];
  /** Index of the first one that waits. */
  head: number;
  cancel: () => void;
}

/** Messages that wait for a token, in their order, by key. */
export class WaitingMessages {
  private readonly buckets: TokenBuckets;
  private readonly clock: Clock;
  private readonly emit: (message: Message) => void;
  private readonly queues = new Map<string, Queue>();
  private emptied: () => void = () => {};

  constructor(buckets: TokenBuckets, clock: Clock, emit: (message: Message) => void) {
    this.buckets = buckets;
    this.clock = clock;
    this.emit = emit;
  }

  /** Whether the message has a token now. It is kept otherwise, and emitted when it has one. */
  passes(message: Message, key: string): boolean {
    const queue = this.queues.get(key);
    if (queue !== undefined) {
      queue.messages.push(message);
      return false;
    }
    const wait = this.buckets.take(key);
    if (wait === 0) return true;
    const started: Queue = { messages: [message], head: 0, cancel: () => {} };
    this.queues.set(key, started);
    this.waitFor(key, started, wait);
    return false;
  }

  /** Calls back once, as soon as nothing waits. */
  whenEmpty(listener: () => void): void {
    this.emptied = listener;
    if (this.queues.size === 0) listener();
  }

  /** What waits is settled by others. */
  stop(): void {
    for (const { cancel } of this.queues.values()) cancel();
    this.queues.clear();
  }

  private waitFor(key: string, queue: Queue, milliseconds: number): void {
    queue.cancel = this.clock.after(Math.ceil(milliseconds), () => this.release(key, queue));
  }

  private release(key: string, queue: Queue): void {
    for (; queue.head < queue.messages.length; queue.head += 1) {
      const message = queue.messages[queue.head] as Message;
      // Nacked meanwhile: it needs no token.
      if (message.isSettled) continue;
      const wait = this.buckets.take(key);
      if (wait > 0) {
        this.waitFor(key, queue, wait);
        return;
      }
      this.emit(message);
    }
    this.queues.delete(key);
    if (this.queues.size === 0) this.emptied();
  }
}
