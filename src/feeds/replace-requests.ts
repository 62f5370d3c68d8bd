import { Message } from '../core/message.ts';
import type { Matcher } from '../sdk/template.ts';
import { Turns } from './turns.ts';

export interface ReplaceRequestsOptions {
  /** Which messages are requests. */
  readonly on: Matcher;
  readonly asked: (data: Buffer) => void;
  /** Any other message, in the order of arrival. */
  readonly pass: (data: Buffer, binary: boolean) => void;
}

/** Takes the messages out by which a server asks for a new connection. */
export class ReplaceRequests {
  private readonly options: ReplaceRequestsOptions;
  private readonly turns = new Turns();

  constructor(options: ReplaceRequestsOptions) {
    this.options = options;
  }

  take(data: Buffer, binary: boolean): void {
    const verdict = this.options.on(new Message(data));
    // A matcher never rejects.
    if (verdict instanceof Promise || this.turns.isWaiting)
      this.turns.after(verdict, (isRequest) => this.decide(isRequest, data, binary));
    else this.decide(verdict, data, binary);
  }

  private decide(isRequest: boolean, data: Buffer, binary: boolean): void {
    if (isRequest) this.options.asked(data);
    else this.options.pass(data, binary);
  }
}
