/** More than this is no answer to a subscription: it goes on at once, and memory stays bounded. */
const MAX_MESSAGES = 1_000;
const MAX_BYTES = 1_048_576;

export interface HeldMessagesOptions {
  readonly pass: (data: Buffer, binary: boolean) => void;
  readonly dropped: (data: Buffer) => void;
}

/** Messages of a server that are data or answers, which the end of the subscribing will tell. */
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
    // It outlives its turn, and would pin the read chunk that it came in.
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
