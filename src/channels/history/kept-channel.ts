import type { SharedFrame } from '../../core/shared-frame.ts';
import type { FeedPartition } from './feed-partition.ts';

/** A record of a channel, as it goes out. */
export interface PlacedFrame {
  readonly frame: SharedFrame;
  /** In its partition; without positions, its number among all that were kept. */
  readonly offset: number;
}

export interface KeptFrame extends PlacedFrame {
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  /** What it counts for. */
  readonly bytes: number;
  /** The one behind it. Most channels keep one: a list of its own would cost more than the record. */
  next: KeptFrame | undefined;
}

/** What is kept of one channel: its newest records, oldest first. */
export class KeptChannel {
  readonly name: string;
  /** Undefined where it has no positions. */
  readonly place: FeedPartition | undefined;
  /** The offset from which on all records of the channel are here. */
  since: number;
  /** What it counts for. */
  bytes: number;
  /** Its value was deleted: what came before that is not the current one. */
  isCleared = false;
  private count = 0;
  private first: KeptFrame | undefined;
  private last: KeptFrame | undefined;

  /** `bytes`: what it counts for beside its records. */
  constructor(name: string, place: FeedPartition | undefined, bytes: number) {
    this.name = name;
    this.place = place;
    this.since = place === undefined ? 0 : place.since;
    this.bytes = bytes;
  }

  get size(): number {
    return this.count;
  }

  get oldest(): KeptFrame | undefined {
    return this.first;
  }

  /** The offset behind all that it ever had. */
  get end(): number {
    return this.last === undefined ? this.since : this.last.offset + 1;
  }

  add(frame: KeptFrame): void {
    if (this.last === undefined) this.first = frame;
    else this.last.next = frame;
    this.last = frame;
    this.count += 1;
    this.bytes += frame.bytes;
  }

  /** Whether records in front of that offset would join on to what it has. */
  joins(offset: number): boolean {
    return this.since <= offset && !this.isCleared;
  }

  /** Records in front of all that it has; nothing is missing from `since` on. */
  prepend(frames: readonly KeptFrame[], since: number): void {
    for (const frame of frames.toReversed()) {
      frame.next = this.first;
      this.first = frame;
      this.last ??= frame;
      this.count += 1;
      this.bytes += frame.bytes;
    }
    this.since = since;
  }

  /** Returns the bytes that are free by that. */
  dropOldest(): number {
    const { first } = this;
    if (first === undefined) return 0;
    this.first = first.next;
    if (this.first === undefined) this.last = undefined;
    this.count -= 1;
    this.bytes -= first.bytes;
    this.since = first.offset + 1;
    return first.bytes;
  }

  from(offset: number): KeptFrame[] {
    const frames: KeptFrame[] = [];
    for (let kept = this.first; kept !== undefined; kept = kept.next) if (kept.offset >= offset) frames.push(kept);
    return frames;
  }

  newest(count: number): KeptFrame[] {
    const frames: KeptFrame[] = [];
    let skipped = this.count - count;
    for (let kept = this.first; kept !== undefined; kept = kept.next) {
      if (skipped <= 0) frames.push(kept);
      skipped -= 1;
    }
    return frames;
  }
}
