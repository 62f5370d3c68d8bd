import type { Matcher } from '../../sdk/template.ts';
import type { BacklogHandler } from '../queues/backlog.ts';
import { FrameQueue } from '../queues/frame-queue.ts';

export interface ReplaceRequestsOptions {
  /** Which messages are requests. */
  readonly on: Matcher;
  readonly asked: (data: Buffer) => void;
  /** Any other message, in the order of arrival. */
  readonly pass: (data: Buffer, binary: boolean) => void;
  /** Of messages that wait for the expression. */
  readonly backlog: BacklogHandler;
}

/** Takes the messages out by which a server asks for a new connection. */
export class ReplaceRequests {
  private readonly queue: FrameQueue<boolean>;

  constructor({ on, asked, pass, backlog }: ReplaceRequestsOptions) {
    this.queue = new FrameQueue({
      evaluate: on,
      decide: (isRequest, { payload }, binary) => {
        if (isRequest) asked(payload);
        else pass(payload, binary);
      },
      backlog,
    });
  }

  take(data: Buffer, binary: boolean): void {
    this.queue.take(data, binary);
  }

  /** Does this once all messages so far are decided. */
  inTurn(work: () => void): void {
    this.queue.inTurn(work);
  }
}
