import { Fifo } from './fifo.ts';

/** What happens to a data frame that does not fit. `block` asks whoever makes the frames to wait. */
export type WhenFull = 'block' | 'drop_oldest' | 'drop_newest' | 'disconnect';

/** What became of a push. `full`: the frame was not taken, and the owner must block or disconnect. */
export type PushResult = 'queued' | 'dropped' | 'full';

/**
 * Bytes waiting for one socket. Data frames obey the policy. Control frames (answers, notices) go ahead of them,
 * are always taken and never dropped: the owner stops reading from a peer that lets them pile up.
 */
export class SendQueue {
  readonly limit: number;
  readonly whenFull: WhenFull;
  dataBytes = 0;
  controlBytes = 0;
  /** Data frames ever dropped. */
  droppedSoFar = 0;
  private told = 0;
  private readonly data = new Fifo<Buffer>();
  private readonly control = new Fifo<Buffer>();

  /** `limit` in bytes, for data frames. */
  constructor(limit: number, whenFull: WhenFull) {
    this.limit = limit;
    this.whenFull = whenFull;
  }

  get bytes(): number {
    return this.dataBytes + this.controlBytes;
  }

  get length(): number {
    return this.data.length + this.control.length;
  }

  push(frame: Buffer): PushResult {
    if (this.dataBytes + frame.length > this.limit) {
      if (this.whenFull === 'block' || this.whenFull === 'disconnect') return 'full';
      if (this.whenFull === 'drop_newest' || frame.length > this.limit) {
        this.droppedSoFar += 1;
        return 'dropped';
      }
      this.dropOldest(frame.length);
    }
    this.data.push(frame);
    this.dataBytes += frame.length;
    return 'queued';
  }

  pushControl(frame: Buffer): void {
    this.control.push(frame);
    this.controlBytes += frame.length;
  }

  /** Removes frames, control first: at least one, and as many as fit in `most` bytes. */
  take(most: number): Buffer[] {
    const taken: Buffer[] = [];
    let room = most;
    for (let frame = this.next(); frame !== undefined; frame = this.next()) {
      if (taken.length > 0 && frame.length > room) break;
      room -= frame.length;
      taken.push(frame);
      this.remove();
    }
    return taken;
  }

  /** Removes all control frames. */
  takeControl(): Buffer[] {
    this.controlBytes = 0;
    return this.control.clear();
  }

  /** Data frames dropped since the last call; a codec tells the client. */
  takeDropped(): number {
    const dropped = this.droppedSoFar - this.told;
    this.told = this.droppedSoFar;
    return dropped;
  }

  private next(): Buffer | undefined {
    return this.control.peek() ?? this.data.peek();
  }

  private remove(): void {
    const control = this.control.shift();
    if (control !== undefined) {
      this.controlBytes -= control.length;
      return;
    }
    this.dataBytes -= this.data.shift()?.length ?? 0;
  }

  private dropOldest(needed: number): void {
    while (this.dataBytes + needed > this.limit) {
      this.dataBytes -= this.data.shift()?.length ?? 0;
      this.droppedSoFar += 1;
    }
  }
}
