import { Message, type MessageInit } from '../../core/message.ts';
import type { MessageContent } from '../arbitraries/message.ts';

/** A message that counts how it is settled, whatever has the duty. */
export class WatchedMessage {
  readonly message: Message;
  /** How its source heard of it: `stored`, `filtered`, `dead_letter`, or the code of a failure. */
  readonly outcomes: string[] = [];
  /** Calls of its own `ack` and `nack`: the second one does nothing, but is not to be. */
  private calls = 0;

  constructor({ payload, key, headers }: MessageContent, init: Omit<MessageInit, 'key' | 'headers'> = {}) {
    const target = {
      settled: ({ outcome }: Message, failure: { readonly code: string } | null) => {
        this.outcomes.push(failure?.code ?? outcome);
      },
    };
    const message = new Message(Buffer.from(payload), { ...init, key, headers, target });
    const { ack, nack } = Message.prototype;
    message.ack = (...args) => {
      this.calls += 1;
      ack.apply(message, args);
    };
    message.nack = (...args) => {
      this.calls += 1;
      nack.apply(message, args);
    };
    this.message = message;
  }

  /** How often it was settled, or was to be. */
  get settled(): number {
    return Math.max(this.calls, this.outcomes.length);
  }
}
