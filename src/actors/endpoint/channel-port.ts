import type { Batch } from '../../core/batch.ts';
import type { ChannelPosition } from '../../core/channel-position.ts';
import type { ConnectionInfo } from '../../core/component.ts';
import type { TidegateError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import type { Permissions } from '../../core/permissions.ts';
import type { FrameGroup, SharedFrame } from '../../core/shared-frame.ts';

/** A connection as the channels of its endpoint see it. */
export interface ChannelClient {
  readonly info: ConnectionInfo;
  /** What it may do now. */
  readonly permissions: Permissions;
  /** Gives it records. `isOwn`: no other connection gets these in one piece. */
  deliver(group: FrameGroup, isOwn: boolean): void;
}

/** What one connection is subscribed to. */
export interface ChannelMember {
  /** Undefined where it is subscribed now, or was before. */
  subscribe(channel: string): TidegateError | undefined;
  unsubscribe(channel: string): TidegateError | undefined;
  /** Why it may not publish to a channel, or undefined. */
  mayPublish(channel: string): TidegateError | undefined;
  /**
   * Its permissions, and the channels that it is to join, are others now. Returns the channels that it was in and may not be in
   * any more.
   */
  renew(joined: readonly string[]): readonly string[];
  /** The connection is gone. */
  leave(): void;
}

/** What channels need of the endpoint whose connections they keep. */
export interface ChannelEndpoint {
  /** Frames for all clients that this turn has brought so far. */
  readonly told: number;
  /** The frame of a record, for the subscribers of one channel; null: not for clients. Throws what the codec throws. */
  publication(channel: string, message: Message): SharedFrame | null;
  /** Hands on each record of a batch with its place in it, and acks the batch. A record on which `each` throws is nacked. */
  deliverEach(batch: Batch, each: (message: Message, at: number) => number): void;
  /** The record goes out at the end of this turn: there, `fanOut` is called. */
  mark(message: Message): void;
}

/**
 * A topic whose records a pipeline sends to channels, each channel's to one partition of it: so their offsets are positions in the
 * channel.
 */
export interface ChannelFeed {
  /**
   * Where a channel is in the topic, with the offset from which on this gateway reads records live, when it begins; undefined where
   * no record of this feed can be for that channel, or its positions are not known (yet).
   */
  placeOf(channel: string): ChannelPosition | undefined;
  /**
   * Reads what the log has of a channel again, through the processors of the pipeline: records from `since` on and in front of
   * `until`. Many wait for one reader. Resolves with why not, where the records are not all there, are too many or too old, or the
   * time is over; never rejects. `signal`: nobody waits for it any more.
   */
  readAgain(request: RecoveryRequest): Promise<Recovery>;
}

export interface RecoveryRequest {
  readonly channel: string;
  readonly since: ChannelPosition;
  readonly until: number;
  readonly signal: AbortSignal;
}

export type LossReason = 'epoch' | 'future' | 'expired' | 'too_many' | 'too_old' | 'unavailable';

export type Recovery =
  | { readonly messages: readonly Message[] }
  /** epoch: of another topic or number of partitions. expired: retention has removed some. unavailable: the log, or no time. */
  | { readonly lost: LossReason };

/** The channels of an endpoint on this gateway, and their subscribers. */
export interface EndpointChannels {
  /** Channels that have subscribers. */
  readonly size: number;
  readonly subscriptions: number;
  enter(client: ChannelClient, joined: readonly string[]): ChannelMember;
  /** See EndpointPort. */
  publish(batch: Batch, channels: readonly unknown[]): void;
  /**
   * Gives each connection all that this turn has brought for it, in order and in one piece: of its channels, and what is for all.
   * Returns to how many; undefined where no channel has anything, and nothing was done.
   */
  fanOut(forAll: FrameGroup): number | undefined;
}
