/** A server that sends more than this is not answering a subscription: messages are passed on at once, so that memory stays bounded. */
const MAX_MESSAGES = 1_000;
const MAX_BYTES = 1_048_576;

export interface HeldMessagesOptions {
  readonly pass: (data: Buffer, binary: boolean) => void;
  readonly dropped: (data: Buffer) => void;
}

/** Messages of a server that are data if the subscribe handshake succeeds, and answers if it fails. */
export class HeldMessages {
  private readonly options: HeldMessagesOptions;
  private held: { readonly data: Buffer; readonly binary: boolean }[] = [];
  private bytes = 0;
  private isFull = false;

  constructor(options: HeldMessagesOptions) {
    this.options = options;
  }

  push(data: Buffer, binary: boolean): void {
    this.isFull ||= this.held.length >= MAX_MESSAGES || this.bytes + data.length > MAX_BYTES;
    if (this.isFull) {
      this.release();
      this.options.pass(data, binary);
      return;
    }
    // A copy: the message outlives its turn of the event loop and would keep the whole read chunk in memory.
    this.held.push({ data: Buffer.from(data), binary });
    this.bytes += data.length;
  }

  /** They were data. */
  release(): void {
    for (const { data, binary } of this.held.splice(0)) this.options.pass(data, binary);
  }

  /** They were answers. */
  drop(): void {
    for (const { data } of this.held.splice(0)) this.options.dropped(data);
  }
}
