import type { ChannelPosition } from './channel-position.ts';
import type { Message } from './message.ts';

/**
 * A topic whose records a pipeline sends to channels, each channel's to one partition of it: so their offsets are positions in the
 * channel.
 */
export interface ChannelFeed {
  /** Of its pipeline, its sink and what that calls channels: after a reload the feed that takes its place has the same. */
  readonly name: string;
  /**
   * Where a channel is in the topic, with the offset from which on this gateway reads its partition; undefined where no record of
   * this feed can be for that channel, or its positions are not known (any more).
   */
  placeOf(channel: string): ChannelPosition | undefined;
  /** The offset from which on this gateway reads that partition; undefined while positions are not known. */
  startOf(partition: number): ChannelPosition | undefined;
  /**
   * A record of that channel is in another partition than `placeOf` says, or came behind later ones of its partition: `placeOf`
   * says nothing of any channel from now on, and the feed warns of it once.
   */
  contradicted(channel: string, record: Message): void;
  /** A record that is not of this feed came into that channel: as with `contradicted`. */
  mixed(channel: string): void;
  /**
   * Resolves with true once all records in front of that position have come to the endpoint, or are in no channel; with false where
   * the log ends before it; with undefined where that is not known now, as the feed does not read. Never rejects.
   */
  reaches(position: ChannelPosition, signal: AbortSignal): Promise<boolean | undefined>;
  /**
   * Reads what the log has of a channel again, through the processors of the pipeline: records from `since` on and in front of
   * `until`. Many wait for one reader. Resolves with why not, where the records are not all there, are too many or too old, or the
   * time is over; never rejects. `signal` aborts when it is not wanted any more.
   */
  readAgain(request: RecoveryRequest): Promise<Recovery>;
}

/** Where a feed has left its channels: all records in front of these offsets have come, or are in no channel. */
export interface FeedEnd {
  /** Undefined where no record of the feed could be for that channel. */
  of(channel: string): ChannelPosition | undefined;
  in(partition: number): ChannelPosition | undefined;
}

export interface RecoveryRequest {
  readonly channel: string;
  readonly since: ChannelPosition;
  readonly until: number;
  /** Payloads that the client has room for: where there are more, `too_many`. */
  readonly bytes: number;
  readonly signal: AbortSignal;
}

export type LossReason = 'epoch' | 'future' | 'expired' | 'too_many' | 'too_old' | 'unavailable';

/** closed: the pipeline ends, as it is replaced or gone. The feed that takes its place may be asked. */
export type Lost = LossReason | 'closed';

export type Recovery =
  | { readonly messages: readonly Message[] }
  /** epoch: of another topic or number of partitions. expired: retention has removed some. unavailable: the log, or no time. */
  | { readonly lost: Lost };

/** Records of one channel that were read again, oldest first. */
export interface EarlierOfChannel {
  /** The offset from which on none of them is missing. */
  since: number;
  readonly messages: Message[];
}

/** All that a partition has from an offset on and in front of another one: what is in no channel of it, is not there. */
export interface EarlierPart {
  readonly partition: number;
  readonly from: number;
  readonly until: number;
  readonly channels: ReadonlyMap<string, EarlierOfChannel>;
}
