import type { SharedFrame } from '../../core/shared-frame.ts';
import type { FeedPartition } from './feed-partition.ts';
import { KeptChannel, type KeptFrame, type PlacedFrame } from './kept-channel.ts';

export interface RingLimits {
  /** Records of one channel. */
  readonly last: number;
  /** Milliseconds since the timestamp of a record; without limit where it is left out. */
  readonly age?: number | undefined;
  /** Of all channels together. */
  readonly bytes: number;
}

/** Of one channel, oldest first: records in front of those that are kept. */
export interface EarlierFrames {
  /** The offset from which on none of them is missing. */
  readonly since: number;
  readonly frames: readonly (PlacedFrame & { readonly timestamp: number })[];
}

/** What a record counts for beside its bytes, and a channel beside its records and its name. */
const FRAME = 512;
const CHANNEL = 256;

/**
 * The newest records of each channel, for all channels of an endpoint together: the channel that was used least recently is
 * the first to go. Nothing is left of it then but that records in front of an offset may be missing.
 */
export class ChannelRing {
  private readonly limits: RingLimits;
  /** The one that was used last is at the end. */
  private readonly channels = new Map<string, KeptChannel>();
  private newest: KeptChannel | undefined;
  /** Channels whose records are not dropped for being more than `last`, and for how many clients. */
  private readonly held = new Map<string, number>();
  private used = 0;
  private count = 0;

  constructor(limits: RingLimits) {
    this.limits = limits;
  }

  get size(): number {
    return this.channels.size;
  }

  get bytes(): number {
    return this.used;
  }

  /** Whether more than what comes by itself can be kept. */
  get hasRoom(): boolean {
    return this.used < this.limits.bytes / 2;
  }

  /** In which partition a channel is that is kept. */
  placeOf(name: string): FeedPartition | undefined {
    return this.channels.get(name)?.place;
  }

  /** The offset from which on nothing of the channel is missing. `now`: milliseconds since the epoch. */
  sinceOf(name: string, place: FeedPartition, now: number): number {
    return this.fresh(name, place, now)?.since ?? place.since;
  }

  /** Records from that offset on. */
  from(name: string, place: FeedPartition, offset: number): readonly KeptFrame[] {
    return this.at(name, place)?.from(offset) ?? [];
  }

  /** The newest so many records, oldest first. */
  newestOf(name: string, place: FeedPartition | undefined, count: number, now: number): readonly KeptFrame[] {
    return this.fresh(name, place, now)?.newest(count) ?? [];
  }

  /** `offset`: in that partition, behind all that were kept of the channel. */
  keep(name: string, frame: SharedFrame, timestamp: number, place: FeedPartition | undefined, offset: number): void {
    const channel = this.use(name, place) ?? this.add(name, place);
    this.count += 1;
    const kept = keptFrame(frame, place === undefined ? this.count : offset, timestamp);
    const { bytes } = kept;
    channel.add(kept);
    this.used += bytes;
    if (channel.size > this.limits.last && !(this.held.has(name) && this.hasRoom)) this.used -= channel.dropOldest();
    // It would else drive out all others first, and then go itself.
    if (bytes > this.limits.bytes) this.evict(channel);
    this.fit();
  }

  /**
   * What was kept of the channel says nothing any more, and what came before says nothing either, should it be read again. The
   * channel was complete, and stays so.
   */
  clear(name: string, place: FeedPartition | undefined): void {
    const channel = this.at(name, place) ?? (place && this.add(name, place));
    if (channel === undefined) return;
    while (channel.oldest !== undefined) this.used -= channel.dropOldest();
    channel.isCleared = true;
    this.fit();
  }

  /**
   * What all channels of a partition had from that offset on, in front of what is kept. Nothing is driven out for it: where there is
   * no room, nothing is kept.
   */
  extend(place: FeedPartition, from: number, earlier: ReadonlyMap<string, EarlierFrames>): void {
    if (this.used + bytesOf(earlier) > this.limits.bytes) return;
    const start = place.since;
    for (const channel of this.channels.values())
      if (channel.place === place && channel.joins(start) && !earlier.has(channel.name)) channel.since = from;
    for (const [name, own] of earlier) {
      const channel = this.at(name, place) ?? this.add(name, place);
      if (channel.joins(start)) this.prepend(channel, own);
    }
    place.extended(from);
  }

  /**
   * A client waits for records in front of what is kept: nothing of the channel goes meanwhile, as long as there is room. It could
   * else never come into a channel that has records all the time.
   */
  hold(name: string): void {
    this.held.set(name, (this.held.get(name) ?? 0) + 1);
  }

  /** The client waits no more. */
  release(name: string): void {
    const others = (this.held.get(name) ?? 1) - 1;
    if (others > 0) {
      this.held.set(name, others);
      return;
    }
    this.held.delete(name);
    const channel = this.channels.get(name);
    while (channel !== undefined && channel.size > this.limits.last) this.used -= channel.dropOldest();
  }

  private prepend(channel: KeptChannel, { since, frames }: EarlierFrames): void {
    const older = frames.filter(({ offset }) => offset < channel.since);
    const room = Math.max(0, this.limits.last - channel.size);
    const left = Math.max(0, older.length - room);
    const lost = older[left - 1];
    const before = channel.bytes;
    const kept = older.slice(left).map(({ frame, offset, timestamp }) => keptFrame(frame, offset, timestamp));
    channel.prepend(kept, Math.min(channel.since, lost === undefined ? since : lost.offset + 1));
    this.used += channel.bytes - before;
  }

  /** Forgets channels of which nothing is to be claimed any more. */
  forget(isOver: (name: string, place: FeedPartition | undefined) => boolean): void {
    for (const channel of this.channels.values()) if (isOver(channel.name, channel.place)) this.evict(channel);
  }

  private fit(): void {
    for (const channel of this.channels.values()) {
      if (this.used <= this.limits.bytes) return;
      if (channel !== this.newest) this.evict(channel);
      else while (this.used > this.limits.bytes && channel.oldest !== undefined) this.used -= channel.dropOldest();
    }
  }

  private evict(channel: KeptChannel): void {
    channel.place?.evicted(channel.end);
    this.channels.delete(channel.name);
    this.used -= channel.bytes;
    if (this.newest === channel) this.newest = undefined;
  }

  private add(name: string, place: FeedPartition | undefined): KeptChannel {
    const channel = new KeptChannel(name, place, bytesOfName(name));
    this.channels.set(name, channel);
    this.newest = channel;
    this.used += channel.bytes;
    return channel;
  }

  /** The channel with the records that are not too old. */
  private fresh(name: string, place: FeedPartition | undefined, now: number): KeptChannel | undefined {
    const channel = this.use(name, place);
    const { age } = this.limits;
    if (channel === undefined || age === undefined) return channel;
    while (channel.oldest !== undefined && channel.oldest.timestamp < now - age) this.used -= channel.dropOldest();
    return channel;
  }

  private use(name: string, place: FeedPartition | undefined): KeptChannel | undefined {
    const channel = this.at(name, place);
    if (channel === undefined || channel === this.newest) return channel;
    this.channels.delete(name);
    this.channels.set(name, channel);
    this.newest = channel;
    return channel;
  }

  /** What was kept of it while it was in another place is gone. */
  private at(name: string, place: FeedPartition | undefined): KeptChannel | undefined {
    const channel = this.channels.get(name);
    if (channel === undefined || channel.place === place) return channel;
    this.evict(channel);
    return undefined;
  }
}

function keptFrame(frame: SharedFrame, offset: number, timestamp: number): KeptFrame {
  return { frame: frame.detach(), offset, timestamp, bytes: bytesOfFrame(frame), next: undefined };
}

function bytesOfFrame({ size }: SharedFrame): number {
  return FRAME + size;
}

function bytesOfName({ length }: string): number {
  return CHANNEL + 2 * length;
}

function bytesOf(earlier: ReadonlyMap<string, EarlierFrames>): number {
  let bytes = 0;
  for (const [name, { frames }] of earlier) {
    bytes += bytesOfName(name);
    for (const { frame } of frames) bytes += bytesOfFrame(frame);
  }
  return bytes;
}
