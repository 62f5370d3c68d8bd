import { Fifo } from './fifo.ts';
import { channelOfFrame } from './frame-channel.ts';
import { NewestFrames } from './newest-frames.ts';
import { KEYED_PLACE, QueuedFrames } from './queued-frames.ts';

/**
 * What happens to a data frame that does not fit. `block` asks the source of the frames to wait. With `latest` a frame takes
 * the place of the one with its key (see `withKey`) that waits; what does not fit even so is dropped as with `drop_oldest`.
 */
export type WhenFull = 'block' | 'drop_oldest' | 'drop_newest' | 'disconnect' | 'latest';

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
  /** Data frames ever dropped for want of room. */
  droppedSoFar = 0;
  /** Data frames ever dropped as a newer one of their key came. */
  supersededSoFar = 0;
  private reported = 0;
  /** Of `droppedSoFar`. */
  private reportedLost = 0;
  private readonly data: Fifo<Buffer> | NewestFrames;
  private readonly newest: NewestFrames | undefined;
  /** What a place among the data frames costs. */
  private readonly place: number | undefined;
  private readonly control = new Fifo<Buffer>();
  private readonly weights: QueuedFrames;

  /** `limit` in bytes, for data frames; `weights` counts the memory of all queues together. */
  constructor(limit: number, whenFull: WhenFull, weights = new QueuedFrames()) {
    this.limit = limit;
    this.whenFull = whenFull;
    this.weights = weights;
    this.newest = whenFull === 'latest' ? new NewestFrames() : undefined;
    this.data = this.newest ?? new Fifo();
    this.place = this.newest === undefined ? undefined : KEYED_PLACE;
  }

  get bytes(): number {
    return this.dataBytes + this.controlBytes;
  }

  /** Bytes that are free when this queue is cleared: of a frame that waits in other queues as well, a part. */
  get weight(): number {
    let weight = 0;
    for (const frame of this.control.toArray()) weight += QueuedFrames.share(frame);
    for (const frame of this.data.toArray()) weight += QueuedFrames.share(frame, this.place);
    return weight;
  }

  get length(): number {
    return this.data.length + this.control.length;
  }

  push(frame: Buffer): PushResult {
    if (this.newest !== undefined && frame.length <= this.limit) this.supersede(this.newest, frame);
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
    this.weights.hold(frame, this.place);
    return 'queued';
  }

  pushControl(frame: Buffer): void {
    this.control.push(frame);
    this.controlBytes += frame.length;
    this.weights.hold(frame);
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
    const frames = this.control.clear();
    for (const frame of frames) this.weights.release(frame);
    return frames;
  }

  clear(): void {
    this.takeControl();
    this.dataBytes = 0;
    for (const frame of this.data.clear()) this.weights.release(frame, this.place);
  }

  /** Removes the data frames of a channel, which the peer does not want any more. */
  leave(channel: string): void {
    for (const frame of this.data.clear()) {
      if (channelOfFrame(frame) !== channel) this.data.push(frame);
      else {
        this.dataBytes -= frame.length;
        this.weights.release(frame, this.place);
      }
    }
  }

  /** Bytes of the frame that is taken first; 0 where there is none. */
  get nextBytes(): number {
    return this.next()?.length ?? 0;
  }

  /** Whether it was made with other settings, and nothing waits in it or is to be reported. */
  isOutdated(limit: number, whenFull: WhenFull): boolean {
    return (limit !== this.limit || whenFull !== this.whenFull) && this.length === 0 && !this.hasDropped;
  }

  /** Whether data frames were dropped since the last `takeDropped`. */
  get hasDropped(): boolean {
    return this.droppedSoFar + this.supersededSoFar > this.reported;
  }

  /** Whether some of those had no newer one of their key. */
  get hasLost(): boolean {
    return this.droppedSoFar > this.reportedLost;
  }

  /** Data frames dropped since the last call, for whatever reason; a codec reports them to the client. */
  takeDropped(): number {
    const all = this.droppedSoFar + this.supersededSoFar;
    const dropped = all - this.reported;
    this.reported = all;
    this.reportedLost = this.droppedSoFar;
    return dropped;
  }

  private next(): Buffer | undefined {
    return this.control.peek() ?? this.data.peek();
  }

  private remove(): void {
    const control = this.control.shift();
    if (control !== undefined) {
      this.controlBytes -= control.length;
      this.weights.release(control);
    } else this.removeOldest();
  }

  private removeOldest(): void {
    const frame = this.data.shift();
    if (frame === undefined) return;
    this.dataBytes -= frame.length;
    this.weights.release(frame, this.place);
  }

  /**
   * The older frame of the key is gone; its place is kept for the newer one where that fits without others being dropped, and passes
   * none of its channel.
   */
  private supersede(newest: NewestFrames, frame: Buffer): void {
    const older = newest.olderOf(frame);
    if (older === undefined) return;
    this.supersededSoFar += 1;
    this.dataBytes -= older.length;
    this.weights.release(older, this.place);
    // In its old place it might be the first that is dropped to make room for it.
    if (this.dataBytes + frame.length > this.limit || newest.wouldPass(frame)) newest.leave(frame);
  }

  private dropOldest(needed: number): void {
    while (this.dataBytes + needed > this.limit) {
      this.removeOldest();
      this.droppedSoFar += 1;
    }
  }
}
