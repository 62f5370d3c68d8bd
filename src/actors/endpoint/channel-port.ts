import type { Batch } from '../../core/batch.ts';
import type { ChannelFeed } from '../../core/channel-feed.ts';
import type { ConnectionInfo } from '../../core/component.ts';
import type { TidegateError } from '../../core/errors.ts';
import type { Identity } from '../../core/identity.ts';
import type { Message } from '../../core/message.ts';
import type { Permissions } from '../../core/permissions.ts';
import type { ChannelPresence, PresenceChange } from '../../core/presence.ts';
import type { FrameGroup, SharedFrame } from '../../core/shared-frame.ts';
import type { Residence } from './residence.ts';

/** A connection as the channels of its endpoint see it. */
export interface ChannelClient {
  readonly info: ConnectionInfo;
  /** Who it is; undefined where the endpoint does not ask. */
  readonly identity: Identity | undefined;
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
  /** Who is in a channel that it is subscribed to, or why that is not said; `counts`: only how many. */
  presence(channel: string, counts: boolean): ChannelPresence | TidegateError;
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
  /** The frame by which subscribers of the channel learn of a change in it; null: none. Throws what the codec throws. */
  announcement(channel: string, change: PresenceChange): SharedFrame | null;
  /** Sends out what waits for the end of the turn: it is for those who are subscribed by now. */
  sendWaiting(): void;
  /** Hands on each record of a batch with its place in it, and acks the batch. A record on which `each` throws is nacked. */
  deliverEach(batch: Batch, each: (message: Message, at: number) => number): void;
  /** The record goes out at the end of this turn: there, `fanOut` is called. */
  mark(message: Message): void;
}

/** The channels of an endpoint on this gateway, and their subscribers. */
export interface EndpointChannels {
  /** Channels that have subscribers. */
  readonly size: number;
  readonly subscriptions: number;
  /** Who is in them, on all gateways; undefined where that is not kept. */
  readonly presence: Residence | undefined;
  enter(client: ChannelClient, joined: readonly string[]): ChannelMember;
  /** See EndpointPort. */
  publish(batch: Batch, channels: readonly unknown[], feed?: ChannelFeed): void;
  /** The feed has positions from now on. It takes the place of one with its name: that of its pipeline before a reload. */
  attach(feed: ChannelFeed): void;
  /** Its pipeline is gone. Nothing is done where another has taken its place. */
  detach(feed: ChannelFeed): void;
  /**
   * Gives each connection all that this turn has brought for it, in order and in one piece: of its channels, and what is for all.
   * Returns to how many; undefined where no channel has anything, and nothing was done.
   */
  fanOut(forAll: FrameGroup): number | undefined;
}
