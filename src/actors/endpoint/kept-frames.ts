import { Fifo } from '../../core/fifo.ts';

/** What a frame that is kept counts for beside its bytes. */
const FRAME = 128;

interface KeptFrame {
  readonly data: Buffer;
  readonly binary: boolean;
}

/** Frames that came too early: before their client was let in, or while it leaves too many answers. */
export class KeptFrames {
  /** What they count for. */
  bytes = 0;
  private readonly frames = new Fifo<KeptFrame>();
  private isHandingOver = false;

  get isEmpty(): boolean {
    return this.frames.length === 0;
  }

  keep(data: Buffer, binary: boolean): void {
    this.frames.push({ data, binary });
    this.bytes += data.length + FRAME;
  }

  /** Hands them over in their order while `mayGoOn` says so. What one of them sets off does not hand over the next. */
  handOver(mayGoOn: () => boolean, take: (data: Buffer, binary: boolean) => void): void {
    if (this.isHandingOver) return;
    this.isHandingOver = true;
    while (mayGoOn()) {
      const frame = this.frames.shift();
      if (frame === undefined) break;
      this.bytes -= frame.data.length + FRAME;
      take(frame.data, frame.binary);
    }
    this.isHandingOver = false;
  }
}
