import type { ChannelFeed } from '../core/channel-feed.ts';
import type { ChannelPosition } from '../core/channel-position.ts';
import { FeedPartition } from './feed-partition.ts';

interface Attached {
  feed: ChannelFeed;
  /** By their numbers, once a channel of them was asked for. */
  readonly partitions: Map<number, FeedPartition>;
}

/** The partitions of all feeds of an endpoint: in which of them a channel is, and what this gateway has read of them. */
export class FeedPartitions {
  private readonly attached = new Map<string, Attached>();
  /** Of feeds whose positions a record has contradicted: the topic may turn out to be another one. */
  private readonly contradicted = new Map<string, string | undefined>();

  attach(feed: ChannelFeed): void {
    this.contradicted.delete(feed.name);
    const known = this.attached.get(feed.name);
    if (known === undefined) this.attached.set(feed.name, { feed, partitions: new Map() });
    else known.feed = feed;
  }

  /** The same as detach, but subscribers are to hear of the next epoch. */
  contradict(feed: ChannelFeed): void {
    const epoch = this.epochOf(feed.name);
    this.detach(feed);
    this.contradicted.set(feed.name, epoch);
  }

  /** What was known of its partitions is over. Nothing is done where another feed has taken its place. */
  detach(feed: ChannelFeed): void {
    this.contradicted.delete(feed.name);
    const known = this.knownOf(feed);
    if (known === undefined) return;
    for (const partition of known.partitions.values()) partition.isOver = true;
    this.attached.delete(feed.name);
  }

  /** What positions of the feed of that name are of so far; undefined where none were asked for. */
  epochOf(name: string): string | undefined {
    const [first] = this.attached.get(name)?.partitions.values() ?? [];
    return first?.epoch ?? this.contradicted.get(name);
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

function begin(owner: Attached, at: ChannelPosition): FeedPartition {
  const { partitions } = owner;
  const before = partitions.get(at.partition);
  if (before !== undefined) before.isOver = true;
  const partition = new FeedPartition(owner, at);
  partitions.set(at.partition, partition);
  return partition;
}
