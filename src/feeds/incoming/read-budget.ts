import type { RemoteSocket } from '../../core/remote.ts';

/** Bytes of messages, compressed and decompressed. */
const MAX_PER_TURN = 4 * 1_048_576;

/**
 * Bounds what one connection brings in a turn of the event loop. Node reads up to 2 MiB of a busy socket in a turn, which may
 * become 2 GiB before the gate of the pipeline has seen any of it. With the budget it is one chunk of 64 KiB that may do so.
 */
export class ReadBudget {
  private readonly socket: Pick<RemoteSocket, 'pause' | 'resume'>;
  private readonly mayRead: () => boolean;
  private bytes = 0;
  private isCounting = false;

  /** `mayRead`: whether nothing else has paused the socket. */
  constructor(socket: Pick<RemoteSocket, 'pause' | 'resume'>, mayRead: () => boolean) {
    this.socket = socket;
    this.mayRead = mayRead;
  }

  spend(bytes: number): void {
    const isSpent = this.bytes >= MAX_PER_TURN;
    this.bytes += bytes;
    if (!this.isCounting) {
      this.isCounting = true;
      setImmediate(this.endTurn);
    }
    if (!isSpent && this.bytes >= MAX_PER_TURN) this.socket.pause();
  }

  private readonly endTurn = (): void => {
    // One turn later, when the pipeline has the messages: its gate may be shut then.
    if (this.bytes >= MAX_PER_TURN) setImmediate(this.readAgain);
    this.bytes = 0;
    this.isCounting = false;
  };

  private readonly readAgain = (): void => {
    if (this.mayRead()) this.socket.resume();
  };
}
