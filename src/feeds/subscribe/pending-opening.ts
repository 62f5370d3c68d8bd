import type { ReadyStep } from './opening-texts.ts';

interface Early {
  readonly data: Buffer;
  readonly binary: boolean;
  /** Whether nothing has taken it. */
  readonly isRecord: boolean;
}

export interface PendingOpeningOptions {
  readonly making: Promise<readonly ReadyStep[]>;
  /** `early`: what the server has sent meanwhile. */
  readonly made: (opening: readonly ReadyStep[], early: readonly Early[]) => void;
  readonly failed: (error: Error) => void;
}

/**
 * The first messages of a connection while JSONata makes them. The socket is paused, so only what was read with the handshake
 * comes meanwhile.
 */
export class PendingOpening {
  private readonly early: Early[] = [];
  private isOver = false;

  constructor({ making, made, failed }: PendingOpeningOptions) {
    making.then(
      (opening) => {
        if (!this.isOver) made(opening, this.early);
      },
      (error: Error) => {
        if (!this.isOver) failed(error);
      },
    );
  }

  push(data: Buffer, binary: boolean, isRecord: boolean): void {
    // A copy: the message outlives its turn of the event loop.
    this.early.push({ data: Buffer.from(data), binary, isRecord });
  }

  /** The connection ends. Returns what the server has sent. */
  end(): readonly Early[] {
    this.isOver = true;
    return this.early;
  }
}
