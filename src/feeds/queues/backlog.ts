/** Messages that may wait before the server is no longer read. */
const MAX_MESSAGES = 1_000;
const MAX_BYTES = 4_194_304;

export interface BacklogHandler {
  /** Many messages wait. `drained` follows. */
  full(): void;
  drained(): void;
}

/**
 * Counts messages that wait beside the pipeline, most of them for JSONata. It lets the event loop turn, so without a limit a
 * server that is faster than its expressions would fill the memory.
 */
export class Backlog {
  private readonly handler: BacklogHandler;
  private messages = 0;
  private bytes = 0;
  private isFull = false;

  constructor(handler: BacklogHandler) {
    this.handler = handler;
  }

  add(bytes: number): void {
    this.messages += 1;
    this.bytes += bytes;
    if (this.isFull || (this.messages <= MAX_MESSAGES && this.bytes <= MAX_BYTES)) return;
    this.isFull = true;
    this.handler.full();
  }

  remove(bytes: number): void {
    this.messages -= 1;
    this.bytes -= bytes;
    if (!this.isFull || this.messages > MAX_MESSAGES / 2 || this.bytes > MAX_BYTES / 2) return;
    this.isFull = false;
    this.handler.drained();
  }
}
