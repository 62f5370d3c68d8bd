import { Batch } from '../../core/batch.ts';
import type { TidegateError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';

/**
 * What clients send before the endpoint's pipeline reads for the first time: it is kept for the pipeline instead of being
 * answered as an error. It stays small, because each connection is paused after its first read, and a connection has at
 * most one read chunk (64 KiB).
 */
export class EarlyMessages {
  private messages: Message[] = [];
  private isOver: boolean;

  /** `isAwaited`: a pipeline of the configuration reads the endpoint. */
  constructor(isAwaited: boolean) {
    this.isOver = !isAwaited;
  }

  /** False where messages are not kept: no pipeline is to come, or the first one has come and gone. */
  keep(messages: readonly Message[]): boolean {
    if (this.isOver) return false;
    for (const message of messages) this.messages.push(message);
    return true;
  }

  /** The pipeline reads now: what was kept, in the order in which it was sent. Empty from then on. */
  take(): readonly Message[] {
    this.isOver = true;
    const { messages } = this;
    this.messages = [];
    return messages;
  }

  /** The pipeline does not come, or the gateway stops. */
  refuse(failure: TidegateError): void {
    const messages = this.take();
    if (messages.length > 0) new Batch(messages).nack(failure);
  }
}
