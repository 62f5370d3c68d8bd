import type { Message } from '../../core/message.ts';
import type { AnswerTemplate } from '../../sdk/answer-template.ts';
import type { RemoteSettings } from '../../sdk/connect-settings.ts';
import type { BacklogHandler } from '../queues/backlog.ts';
import { FrameQueue } from '../queues/frame-queue.ts';

type Reply = RemoteSettings['heartbeat']['reply'][number];

export interface RepliesOptions {
  readonly replies: readonly Reply[];
  readonly answer: (make: AnswerTemplate, message: Message) => void;
  /** A message that matches one, in the order of arrival. */
  readonly taken: (data: Buffer) => void;
  /** A message that matches none, in the order of arrival. */
  readonly pass: (data: Buffer, binary: boolean) => void;
  /** Of messages that wait for an expression. */
  readonly backlog: BacklogHandler;
}

/** Answers the messages of the server that are its pings. They are not passed on. */
export class Replies {
  private readonly options: RepliesOptions;
  private readonly queue: FrameQueue<Reply | undefined>;

  constructor(options: RepliesOptions) {
    this.options = options;
    this.queue = new FrameQueue({
      evaluate: (message) => this.replyTo(message, 0),
      decide: (reply, message, binary) => this.decide(reply, message, binary),
      backlog: options.backlog,
    });
  }

  /** Takes a message of the server. */
  take(data: Buffer, binary: boolean): void {
    this.queue.take(data, binary);
  }

  /** Does this once all messages so far are answered or passed on. */
  inTurn(work: () => void): void {
    this.queue.inTurn(work);
  }

  /** The first one from `index` on that matches. A matcher never rejects. */
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
    const { answer, taken, pass } = this.options;
    if (reply === undefined) {
      pass(message.payload, binary);
      return;
    }
    if (reply.message !== undefined) answer(reply.message, message);
    taken(message.payload);
  }
}
