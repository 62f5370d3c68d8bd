import { isUtf8 } from 'node:buffer';
import type { Message } from '../../core/message.ts';
import type { RemoteSocket } from '../../core/remote.ts';
import type { AnswerTemplate } from '../../sdk/answer-template.ts';
import type { RemoteSettings } from '../../sdk/connect-settings.ts';
import type { BacklogHandler } from '../queues/backlog.ts';
import { ReadBudget } from './read-budget.ts';
import { Replies } from './replies.ts';
import { UnpackingFailed, unpack } from './unpacking.ts';

export interface IncomingOptions {
  readonly settings: Pick<RemoteSettings, 'decompress' | 'compression' | 'max_frame' | 'heartbeat'>;
  readonly socket: Pick<RemoteSocket, 'pause' | 'resume'>;
  /** Whether the socket is not paused for another reason. */
  readonly mayRead: () => boolean;
  /** A message of the server, decompressed. */
  readonly heard: (data: Buffer) => void;
  /** A message that the server sent as a ping is to be answered so. */
  readonly answer: (make: AnswerTemplate, message: Message) => void;
  /** A message that is a ping, in the order of arrival. */
  readonly taken: (data: Buffer) => void;
  /** A message that is not a ping, in the order of arrival. */
  readonly pass: (data: Buffer, binary: boolean) => void;
  /** A message that cannot be decompressed, and why not. */
  readonly damaged: (data: Buffer, why: string) => void;
  /** A message that has more bytes than `max_frame` once it is decompressed. */
  readonly tooLarge: (why: string) => void;
  /** Of messages that wait for an expression. */
  readonly backlog: BacklogHandler;
}

/** What is done with a message before anything else looks at it: it is decompressed, and answered if it is a ping. */
export class Incoming {
  private readonly options: IncomingOptions;
  private readonly replies: Replies | undefined;
  /** undefined if messages are as large as they were sent. */
  private readonly budget: ReadBudget | undefined;

  constructor(options: IncomingOptions) {
    const { settings, socket, mayRead, answer, taken, pass, backlog } = options;
    const replies = settings.heartbeat.reply;
    this.options = options;
    if (settings.decompress !== undefined || settings.compression) this.budget = new ReadBudget(socket, mayRead);
    this.replies = replies.length === 0 ? undefined : new Replies({ replies, answer, taken, pass, backlog });
  }

  take(data: Buffer, binary: boolean): void {
    const { decompress } = this.options.settings;
    this.budget?.spend(data.length);
    if (!binary || decompress === undefined) {
      this.pass(data, binary);
      return;
    }
    const unpacked = this.unpacked(data, decompress);
    if (unpacked === undefined) return;
    if (unpacked !== data) this.budget?.spend(unpacked.length);
    this.pass(unpacked, unpacked === data || !isUtf8(unpacked));
  }

  /** Does this once all messages so far are answered or passed on. */
  inTurn(work: () => void): void {
    if (this.replies === undefined) work();
    else this.replies.inTurn(work);
  }

  private pass(data: Buffer, binary: boolean): void {
    this.options.heard(data);
    if (this.replies === undefined) this.options.pass(data, binary);
    else this.replies.take(data, binary);
  }

  private unpacked(data: Buffer, format: NonNullable<RemoteSettings['decompress']>): Buffer | undefined {
    const { settings, tooLarge, damaged } = this.options;
    try {
      return unpack(data, format, settings.max_frame);
    } catch (error) {
      if (!(error instanceof UnpackingFailed)) throw error;
      if (error.isTooLarge) tooLarge(error.message);
      else damaged(data, error.message);
      return undefined;
    }
  }
}
