import { channelOfFrame } from './frame-channel.ts';
import { keyOfFrame } from './frame-key.ts';

/**
 * Frames that wait in a line, of each key at most one: a newer one takes the place of the older one, so a key that changes all the
 * time is not put back again and again. Frames without a key wait as they come, and those of a channel in its order: a client that has one
 * of them has those before it.
 */
export class NewestFrames {
  /** A map keeps the order in which keys came, and the place of a key whose value is changed. Numbers are for frames without a key. */
  private frames = new Map<string | number, Buffer>();
  /** Goes through the keys once, and meets those that are added later: a new one would pass all that were deleted. */
  private keys: Iterator<string | number> | undefined;
  private head: string | number | undefined;
  private numbered = 0;
  /** By channel: the one of its frames that came last. */
  private readonly lastOf = new Map<string, string | number>();

  get length(): number {
    return this.frames.size;
  }

  /** The frame whose place this one would take. */
  olderOf(frame: Buffer): Buffer | undefined {
    const key = keyOfFrame(frame);
    return key === undefined ? undefined : this.frames.get(key);
  }

  /** The frame goes into the place of the older one of its key, or to the end. */
  push(frame: Buffer): void {
    const key = keyOfFrame(frame) ?? this.numbered;
    if (key === this.numbered) this.numbered += 1;
    this.frames.set(key, frame);
    const channel = channelOfFrame(frame);
    if (channel !== undefined) this.lastOf.set(channel, key);
  }

  /** Whether this frame would pass others of its channel in the place of the older one of its key. */
  wouldPass(frame: Buffer): boolean {
    const channel = channelOfFrame(frame);
    return channel !== undefined && this.lastOf.get(channel) !== keyOfFrame(frame);
  }

  /** The frame that waits with this one's key gives up its place. */
  leave(frame: Buffer): void {
    const key = keyOfFrame(frame);
    if (key !== undefined) this.forget(key);
  }

  peek(): Buffer | undefined {
    const key = this.first();
    return key === undefined ? undefined : this.frames.get(key);
  }

  shift(): Buffer | undefined {
    const key = this.first();
    if (key === undefined) return undefined;
    const frame = this.frames.get(key);
    this.forget(key);
    return frame;
  }

  toArray(): Buffer[] {
    return [...this.frames.values()];
  }

  clear(): Buffer[] {
    const rest = this.toArray();
    this.begin();
    return rest;
  }

  private first(): string | number | undefined {
    if (this.head !== undefined || this.frames.size === 0) return this.head;
    this.keys ??= this.frames.keys();
    const { value } = this.keys.next();
    this.head = value;
    return value;
  }

  private forget(key: string | number): void {
    this.frames.delete(key);
    if (key === this.head) this.head = undefined;
    // A map keeps room for all that it ever had.
    if (this.frames.size === 0) this.begin();
  }

  private begin(): void {
    this.frames = new Map();
    this.keys = undefined;
    this.head = undefined;
    this.numbered = 0;
    this.lastOf.clear();
  }
}
