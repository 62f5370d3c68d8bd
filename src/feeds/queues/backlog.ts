/** Messages at which the server is no longer read. */
const MAX_MESSAGES = 1_000;
const MAX_BYTES = 4_194_304;

export interface BacklogHandler {
  /** Many messages wait. `drained` follows. */
  full(): void;
  drained(): void;
}

/**
 * Counts messages that wait: for JSONata, which lets the event loop turn, for the rate of what is sent, or for a topic. Without a
 * limit a server that is faster would fill the memory.
 */
export class Backlog {
  private readonly handler: BacklogHandler;
  private readonly maxBytes: number;
  private messages = 0;
  private bytes = 0;
  private isFull = false;

  /** `maxBytes`: bytes at which the server is no longer read. */
  constructor(handler: BacklogHandler, maxBytes = MAX_BYTES) {
    this.handler = handler;
    this.maxBytes = maxBytes;
  }

  add(bytes: number): void {
    this.messages += 1;
    this.bytes += bytes;
    if (this.isFull || (this.messages < MAX_MESSAGES && this.bytes < this.maxBytes)) return;
    this.isFull = true;
    this.handler.full();
  }

  remove(bytes: number): void {
    this.messages -= 1;
    this.bytes -= bytes;
    if (!this.isFull || this.messages > MAX_MESSAGES / 2 || this.bytes > this.maxBytes / 2) return;
    this.isFull = false;
    this.handler.drained();
  }
}
