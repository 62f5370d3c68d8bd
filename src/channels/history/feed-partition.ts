import type { ChannelFeed } from '../../core/channel-feed.ts';
import type { ChannelPosition } from '../../core/channel-position.ts';

/** What this gateway has read of one partition of a feed, from where its reader began. */
export class FeedPartition {
  /** Has the feed, which may be another one after a reload. */
  readonly owner: { readonly feed: ChannelFeed };
  readonly epoch: string;
  readonly partition: number;
  /** Behind the last record that came, for whatever channel; records that are in none may follow it. */
  next: number;
  /** Positions of it mean nothing any more, or records were lost. */
  isOver = false;
  private completeFrom: number;

  /** `start`: with the offset from which on it is read. */
  constructor(owner: FeedPartition['owner'], { epoch, partition, offset }: ChannelPosition) {
    this.owner = owner;
    this.epoch = epoch;
    this.partition = partition;
    this.next = offset;
    this.completeFrom = offset;
  }

  /** The offset from which on nothing is missing of a channel of which no record is kept: there was none. */
  get since(): number {
    return this.completeFrom;
  }

  at(offset: number): ChannelPosition {
    return { epoch: this.epoch, partition: this.partition, offset };
  }

  /** Whether a position of a client is one in this partition. */
  has({ epoch, partition }: ChannelPosition): boolean {
    return epoch === this.epoch && partition === this.partition;
  }

  /** Whether it has come exactly so far. */
  isAt(position: ChannelPosition): boolean {
    return this.has(position) && position.offset === this.next;
  }

  /** False where it came behind a later one. A record may be for several channels. */
  take(offset: number): boolean {
    if (offset + 1 < this.next) return false;
    this.next = offset + 1;
    return true;
  }

  /** All records in front of that offset have come, or are in no channel. */
  reached(offset: number): void {
    this.next = Math.max(this.next, offset);
  }

  /** All records from that offset on are known, as far as they are kept. */
  extended(from: number): void {
    this.completeFrom = Math.min(this.completeFrom, from);
  }

  /** A channel is not kept any more, which had records in front of that offset. */
  evicted(until: number): void {
    this.completeFrom = Math.max(this.completeFrom, until);
  }
}
