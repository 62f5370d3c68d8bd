import type { ChannelFeed, EarlierPart, FeedEnd } from '../../core/channel-feed.ts';
import type { ChannelPosition } from '../../core/channel-position.ts';
import type { Clock } from '../../core/clock.ts';
import type { LogAdmin } from '../../core/log.ts';
import type { Message } from '../../core/message.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Recoveries } from '../recovery/recoveries.ts';
import type { FeedNames } from './feed-names.ts';

/** The channels of the endpoint that the feed is for. */
export interface FeedChannels {
  attach(feed: ChannelFeed): void;
  ended(feed: ChannelFeed, end: FeedEnd): void;
  gap(feed: ChannelFeed, at: ChannelPosition): void;
  detach(feed: ChannelFeed): void;
  extend(feed: ChannelFeed, epoch: string, part: EarlierPart): void;
}

export interface TopicFeedOptions {
  readonly name: string;
  readonly topic: string;
  /** What the sink calls channels; never empty. */
  readonly names: readonly FeedNames[];
  /** Whether the name of a channel says in which partition its records are. */
  readonly isByKey: boolean;
  /** Whether it has been said that this does not go with the partitions of the topic. */
  readonly isDoubted: boolean;
  readonly admin: Pick<LogAdmin, 'clusterId' | 'describe' | 'offsets'>;
  readonly channels: FeedChannels;
  /** Undefined where nothing is read again. */
  readonly recoveries: Recoveries | undefined;
  /** Resolves when no record is in flight in the pipeline, now or for a moment later. */
  readonly settled: () => Promise<void>;
  /** What is in flight in the pipeline, as it was read. */
  readonly inFlight: () => Iterable<Message>;
  /** Called once: where channels are is known, or that it will not be. */
  readonly known: () => void;
  readonly clock: Clock;
  readonly logger: Logger;
}
