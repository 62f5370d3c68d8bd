import type { TidegateError } from '../../../src/core/errors.ts';
import { Message, type MessageInit, type SettleTarget } from '../../../src/core/message.ts';

/** Remembers what became of messages: 'ack' or the code of the failure, by the text of the original payload. */
export class SettleLog implements SettleTarget {
  readonly outcomes: string[] = [];
  readonly byToken = new Map<number, string[]>();

  settled(message: Message, failure: TidegateError | null): void {
    const outcome = failure === null ? 'ack' : failure.code;
    this.outcomes.push(outcome);
    const known = this.byToken.get(message.token);
    if (known === undefined) this.byToken.set(message.token, [outcome]);
    else known.push(outcome);
  }

  message(text: string, init: Omit<MessageInit, 'target'> = {}): Message {
    return new Message(Buffer.from(text), { ...init, target: this });
  }

  /** Messages with tokens 0, 1, 2 ... and their number as payload. */
  messages(count: number, init: Omit<MessageInit, 'target' | 'token'> = {}): Message[] {
    return Array.from({ length: count }, (_, token) => this.message(String(token), { ...init, token }));
  }

  /** Tokens that were not settled exactly once. */
  notOnce(count: number): number[] {
    return Array.from({ length: count }, (_, token) => token).filter((token) => this.byToken.get(token)?.length !== 1);
  }
}
