import type { ChannelEndpoint } from '../../actors/endpoint/channel-port.ts';
import type { ChannelFeed, EarlierOfChannel, EarlierPart, FeedEnd } from '../../core/channel-feed.ts';
import type { ChannelPosition } from '../../core/channel-position.ts';
import type { GapReason } from '../../core/channel-protocol.ts';
import type { Message } from '../../core/message.ts';
import type { SharedFrame } from '../../core/shared-frame.ts';
import { ChannelRing, type EarlierFrames, type RingLimits } from './channel-ring.ts';
import { FeedEnds } from './feed-ends.ts';
import type { FeedPartition } from './feed-partition.ts';
import { FeedPartitions } from './feed-partitions.ts';
import type { PlacedFrame } from './kept-channel.ts';
import { RecoveredFrames } from './recovered-frames.ts';

/** What is kept of the channels of an endpoint, and what clients that subscribe get of it. */
export interface HistorySettings extends RingLimits {
  /** Records that a client without a position gets of each channel, at most. */
  readonly initial: number;
  /** Where the log is read again for what is not kept. `timeout`: milliseconds for one subscription. */
  readonly recover?: { readonly timeout: number } | undefined;
}

/** Earlier records of the channels of an endpoint, and where they are in their topics. */
export class ChannelHistory {
  readonly settings: HistorySettings;
  readonly ring: ChannelRing;
  readonly recovered: RecoveredFrames;
  private readonly endpoint: ChannelEndpoint;
  private readonly partitions = new FeedPartitions();
  private readonly ends = new FeedEnds();

  constructor(settings: HistorySettings, endpoint: ChannelEndpoint) {
    this.settings = settings;
    this.endpoint = endpoint;
    this.ring = new ChannelRing(settings);
    this.recovered = new RecoveredFrames(endpoint);
  }

  attach(feed: ChannelFeed): void {
    this.partitions.attach(feed);
    this.forgetOver();
  }

  /** `subscribed`: channels that have subscribers. */
  ended(feed: ChannelFeed, end: FeedEnd, subscribed: () => Iterable<string>): void {
    this.partitions.ended(feed, end);
    this.ends.add(end, subscribed);
  }

  /** Why subscribers of the channel miss records in front of where it begins now; undefined where they miss none. */
  breakBefore(place: FeedPartition, channel: string): GapReason | undefined {
    const end = this.ends.of(channel);
    if (end === undefined || place.isAt(end)) return undefined;
    return end.epoch === place.epoch ? 'expired' : 'epoch';
  }

  detach(feed: ChannelFeed): void {
    this.partitions.detach(feed);
    this.forgetOver();
  }

  /** Reading of a partition goes on there, with records lost. */
  restart(feed: ChannelFeed, at: ChannelPosition): void {
    this.partitions.restart(feed, at);
    this.forgetOver();
  }

  /** Where a channel is; undefined where it has no positions. */
  placeOf(channel: string): FeedPartition | undefined {
    return this.partitions.of(channel);
  }

  /** Where a channel is by that feed. */
  placeIn(feed: ChannelFeed, channel: string): FeedPartition | undefined {
    const place = this.ring.placeOf(channel);
    if (place !== undefined && !place.isOver && place.owner.feed === feed) return place;
    return this.partitions.in(feed, channel);
  }

  /** The frame of a record of a channel, which is kept. Null: not for clients. Throws what the codec throws. */
  publication(channel: string, record: Message, feed: ChannelFeed | undefined): SharedFrame | null {
    const { offset } = record.source ?? record;
    const place = feed === undefined ? this.takeUnplaced(channel) : this.take(channel, record, feed);
    const frame = this.endpoint.publication(channel, record, place?.at(offset + 1));
    if (frame !== null) this.ring.keep(channel, frame, record.timestamp, place, offset);
    // The value of its key is deleted: a client that comes must not get that as the current one.
    else if (record.meta.tombstone === true) this.ring.clear(channel, place);
    return frame;
  }

  /** Records of each channel that would be kept; undefined where there is no room for more. */
  get keptOfEach(): number | undefined {
    return this.ring.hasRoom ? this.settings.last : undefined;
  }

  /**
   * What was read again for some clients is kept for the others, who come back as well: after a restart the log is not read once for
   * each of them.
   */
  extend(feed: ChannelFeed, epoch: string, { partition, from, until, channels }: EarlierPart): void {
    const place = this.partitions.numbered(feed, partition);
    if (place === undefined || place.epoch !== epoch || from >= place.since || until < place.since) return;
    const earlier = new Map<string, EarlierFrames>();
    for (const [channel, own] of channels)
      if (this.placeIn(feed, channel) === place) earlier.set(channel, this.framesOf(channel, own, place));
    this.ring.extend(place, from, earlier);
  }

  /** What clients without a position get of these channels, oldest first. `now`: milliseconds since the epoch. */
  initial(channels: readonly string[], place: FeedPartition | undefined, now: number): PlacedFrame[] {
    const { initial } = this.settings;
    if (initial === 0) return [];
    return inOrder(channels.map((channel) => this.ring.newestOf(channel, place, initial, now)));
  }

  /** Undefined where its channel has no positions, or none any more, as the record contradicts them. */
  private take(channel: string, record: Message, feed: ChannelFeed): FeedPartition | undefined {
    const place = this.placeIn(feed, channel);
    if (place === undefined) return this.takeUnplaced(channel);
    const { partition, offset } = record.source ?? record;
    if (partition === place.partition && place.take(offset)) return place;
    feed.contradicted(channel, record);
    this.detach(feed);
    return undefined;
  }

  private framesOf(channel: string, { since, messages }: EarlierOfChannel, place: FeedPartition): EarlierFrames {
    let frames: EarlierFrames['frames'][number][] = [];
    let from = since;
    for (const message of messages) {
      const { offset } = message.source ?? message;
      if (offset >= place.since) break;
      const frame = this.recovered.of(channel, message, place);
      if (frame !== null) frames.push({ frame, offset, timestamp: message.timestamp });
      else if (message.meta.tombstone === true) {
        frames = [];
        from = offset + 1;
      }
    }
    return { since: from, frames };
  }

  /** A record without a position came into the channel, such as one of a pipeline that is new: positions do not say what it has any more. */
  private takeUnplaced(channel: string): undefined {
    const feed = this.partitions.feedOf(channel);
    if (feed === undefined) return;
    feed.mixed(channel);
    this.detach(feed);
  }

  private forgetOver(): void {
    this.ring.forget((_channel, place) => place?.isOver === true);
  }
}

/** Frames of several channels of one partition, in its order. */
export function inOrder(lists: readonly (readonly PlacedFrame[])[]): PlacedFrame[] {
  const frames = lists.flat();
  return lists.length > 1 ? frames.sort((one, other) => one.offset - other.offset) : frames;
}
