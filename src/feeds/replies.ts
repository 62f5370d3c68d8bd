import { Message } from '../core/message.ts';
import type { AnswerTemplate } from '../sdk/answer-template.ts';
import type { RemoteSettings } from '../sdk/connect-settings.ts';

type Reply = RemoteSettings['heartbeat']['reply'][number];

export interface RepliesOptions {
  readonly replies: readonly Reply[];
  readonly answer: (make: AnswerTemplate, message: Message) => void;
  /** A message that matches none, in the order of arrival. */
  readonly pass: (data: Buffer, binary: boolean) => void;
}

/** Answers the messages of the server that are its pings. They are not passed on. */
export class Replies {
  private readonly options: RepliesOptions;
  /** Messages behind one whose expression is still being evaluated. */
  private readonly waiting: { readonly data: Buffer; readonly binary: boolean }[] = [];
  private isEvaluating = false;

  constructor(options: RepliesOptions) {
    this.options = options;
  }

  /** Takes a message of the server. */
  take(data: Buffer, binary: boolean): void {
    if (this.isEvaluating) this.waiting.push({ data, binary });
    else this.evaluate(data, binary);
  }

  private evaluate(data: Buffer, binary: boolean): void {
    const message = new Message(data);
    const found = this.replyTo(message, 0);
    if (!(found instanceof Promise)) {
      this.decide(found, message, binary);
      return;
    }
    this.isEvaluating = true;
    // A matcher never rejects.
    void found.then((reply) => {
      this.isEvaluating = false;
      this.decide(reply, message, binary);
      while (!this.isEvaluating) {
        const next = this.waiting.shift();
        if (next === undefined) return;
        this.evaluate(next.data, next.binary);
      }
    });
  }

  /** The first one from `index` on that matches. */
  private replyTo(message: Message, index: number): Reply | undefined | Promise<Reply | undefined> {
    const { replies } = this.options;
    for (let at = index; at < replies.length; at += 1) {
      const isMatch = replies[at]?.when(message);
      if (isMatch instanceof Promise)
        return isMatch.then((matches) => (matches ? replies[at] : this.replyTo(message, at + 1)));
      if (isMatch === true) return replies[at];
    }
    return undefined;
  }

  private decide(reply: Reply | undefined, message: Message, binary: boolean): void {
    if (reply === undefined) this.options.pass(message.payload, binary);
    else if (reply.message !== undefined) this.options.answer(reply.message, message);
  }
}
