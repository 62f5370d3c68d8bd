import type { TidegateError } from './errors.ts';
import type { Message } from './message.ts';

/** What travels: never a lone message. Order within a batch is the order of the source. */
export class Batch {
  readonly messages: readonly Message[];
  private counted = -1;

  constructor(messages: readonly Message[]) {
    this.messages = messages;
  }

  get length(): number {
    return this.messages.length;
  }

  /** The sum of the messages' sizes, in bytes. */
  get bytes(): number {
    if (this.counted < 0) {
      let bytes = 0;
      for (const message of this.messages) bytes += message.size;
      this.counted = bytes;
    }
    return this.counted;
  }

  ack(): void {
    for (const message of this.messages) message.ack();
  }

  nack(failure: TidegateError): void {
    for (const message of this.messages) message.nack(failure);
  }
}
