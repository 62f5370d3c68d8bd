import type { ChannelFeed, FeedEnd } from '../../core/channel-feed.ts';
import type { ChannelPosition } from '../../core/channel-position.ts';
import { FeedPartition } from './feed-partition.ts';

interface Attached {
  feed: ChannelFeed;
  /** By their numbers, once a channel of them was asked for. */
  readonly partitions: Map<number, FeedPartition>;
}

/** The partitions of all feeds of an endpoint: in which of them a channel is, and what this gateway has read of them. */
export class FeedPartitions {
  private readonly attached = new Map<string, Attached>();

  /** Goes on with what was read for the feed of that name before, in each partition that is read on from where that one was left. */
  attach(feed: ChannelFeed): void {
    const known = this.attached.get(feed.name);
    if (known === undefined) {
      this.attached.set(feed.name, { feed, partitions: new Map() });
      return;
    }
    known.feed = feed;
    for (const partition of known.partitions.values()) {
      const start = feed.startOf(partition.partition);
      if (start === undefined || !partition.isAt(start)) over(known, partition);
    }
  }

  /** Nothing more comes of what it reads now. */
  ended(feed: ChannelFeed, end: FeedEnd): void {
    for (const partition of this.knownOf(feed)?.partitions.values() ?? []) {
      const at = end.in(partition.partition);
      if (at?.epoch === partition.epoch) partition.reached(at.offset);
    }
  }

  /** What was known of the partitions of that feed, or of the one before it, is over. */
  detach({ name }: Pick<ChannelFeed, 'name'>): void {
    const known = this.attached.get(name);
    if (known === undefined) return;
    for (const partition of known.partitions.values()) over(known, partition);
    this.attached.delete(name);
  }

  /** The feed that a channel has its place by; undefined where it has none. */
  feedOf(channel: string): ChannelFeed | undefined {
    for (const { feed } of this.attached.values()) if (feed.placeOf(channel) !== undefined) return feed;
    return undefined;
  }

  /** Where a channel is, by whatever feed; undefined where it has no positions. */
  of(channel: string): FeedPartition | undefined {
    for (const known of this.attached.values()) {
      const partition = placed(known, channel);
      if (partition !== undefined) return partition;
    }
    return undefined;
  }

  /** Where a channel is by that feed. */
  in(feed: ChannelFeed, channel: string): FeedPartition | undefined {
    const known = this.knownOf(feed);
    return known && placed(known, channel);
  }

  /** The partition of that number; undefined where none of its channels was asked for. */
  numbered(feed: ChannelFeed, partition: number): FeedPartition | undefined {
    return this.knownOf(feed)?.partitions.get(partition);
  }

  /** Reading goes on there: what was known of that partition is over. */
  restart(feed: ChannelFeed, at: ChannelPosition): void {
    const known = this.knownOf(feed);
    if (known !== undefined) begin(known, at);
  }

  private knownOf(feed: ChannelFeed): Attached | undefined {
    const known = this.attached.get(feed.name);
    return known?.feed === feed ? known : undefined;
  }
}

function placed(known: Attached, channel: string): FeedPartition | undefined {
  const place = known.feed.placeOf(channel);
  if (place === undefined) return undefined;
  const partition = known.partitions.get(place.partition);
  return partition?.epoch === place.epoch ? partition : begin(known, place);
}

function over({ partitions }: Attached, partition: FeedPartition): void {
  partition.isOver = true;
  partitions.delete(partition.partition);
}

function begin(owner: Attached, at: ChannelPosition): FeedPartition {
  const { partitions } = owner;
  const before = partitions.get(at.partition);
  if (before !== undefined) before.isOver = true;
  const partition = new FeedPartition(owner, at);
  partitions.set(at.partition, partition);
  return partition;
}
