/** A server that sends more than this is not answering a subscription: messages are passed on at once, so that memory stays bounded. */
const MAX_MESSAGES = 1_000;
const MAX_BYTES = 1_048_576;

interface Held {
  readonly data: Buffer;
  readonly binary: boolean;
  readonly isRecord: boolean;
}

export interface HeldMessagesOptions {
  readonly pass: (data: Buffer, binary: boolean, isRecord: boolean) => void;
  readonly dropped: (data: Buffer) => void;
}

/** Messages of a server that are data if the subscribe handshake succeeds, and answers if it fails. */
export class HeldMessages {
  private readonly options: HeldMessagesOptions;
  private held: Held[] = [];
  private messages = 0;
  private bytes = 0;
  private isFull = false;

  constructor(options: HeldMessagesOptions) {
    this.options = options;
  }

  push(data: Buffer, binary: boolean): void {
    this.isFull ||= this.messages >= MAX_MESSAGES || this.bytes + data.length > MAX_BYTES;
    if (this.isFull) {
      this.release();
      this.options.pass(data, binary, true);
      return;
    }
    // A copy: the message outlives its turn of the event loop and would keep the whole read chunk in memory.
    this.held.push({ data: Buffer.from(data), binary, isRecord: true });
    this.messages += 1;
    this.bytes += data.length;
  }

  /** A reply, which is passed on in its place, but is no record. There are no more of them than messages of `subscribe`. */
  pushReply(data: Buffer): void {
    this.held.push({ data: Buffer.from(data), binary: false, isRecord: false });
  }

  /** They were data. */
  release(): void {
    for (const { data, binary, isRecord } of this.held.splice(0)) this.options.pass(data, binary, isRecord);
  }

  /** They were answers. */
  drop(): void {
    for (const { data, isRecord } of this.held.splice(0)) if (isRecord) this.options.dropped(data);
  }
}
