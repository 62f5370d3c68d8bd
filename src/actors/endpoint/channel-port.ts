import type { Batch } from '../../core/batch.ts';
import type { ChannelFeed, EarlierPart, FeedEnd } from '../../core/channel-feed.ts';
import type { ChannelPosition } from '../../core/channel-position.ts';
import type { GapReason, SubscriptionFacts } from '../../core/channel-protocol.ts';
import type { ClientMemory } from '../../core/client-memory.ts';
import type { ConnectionInfo } from '../../core/connection-info.ts';
import type { TidegateError } from '../../core/errors.ts';
import type { Identity } from '../../core/identity.ts';
import type { KeptQuery, KeptRecords } from '../../core/kept-records.ts';
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
  /** The newest of these that it would take without one being dropped. */
  fitting(frames: readonly SharedFrame[]): readonly SharedFrame[];
  /** Bytes of records that it would take without one being dropped. */
  readonly room: number;
  /** Whether records wait for it, which an answer overtakes. */
  readonly isBehind: boolean;
  /** Answers its request; `correlation` is undefined for a channel that it joins without one. */
  subscribed(channel: string, correlation: unknown, facts: SubscriptionFacts): void;
  refused(channel: string, correlation: unknown, refusal: TidegateError): void;
  /** Something threw that was done for it: it is cut. */
  failed(error: unknown): void;
}

/** What a client asks for. */
export interface SubscribeRequest {
  readonly channel: string;
  /** It has the records in front of it; null: it showed none that can be one. */
  readonly since?: ChannelPosition | null | undefined;
  readonly correlation?: unknown;
}

/** What one connection is subscribed to. */
export interface ChannelMember {
  /** Undefined where the client was answered, or will be once the records that it has missed are read. */
  subscribe(request: SubscribeRequest): TidegateError | undefined;
  /** It is to be in a channel for which it need not ask. */
  join(request: SubscribeRequest): void;
  unsubscribe(channel: string): TidegateError | undefined;
  /** Why it may not publish to a channel, or undefined. */
  mayPublish(channel: string): TidegateError | undefined;
  /** Which clients are in a channel that it is subscribed to, or why that is not said; `counts`: only how many. */
  presence(channel: string, counts: boolean): ChannelPresence | TidegateError;
  /** Records that are kept of a channel that it is subscribed to, or why they are not given. */
  history(channel: string, query: KeptQuery): KeptRecords | TidegateError;
  /**
   * Its permissions, and the channels that it is to join, are others now. Returns the channels that it was in and may not be in
   * any more.
   */
  renew(joined: readonly string[]): readonly string[];
  /** The client is let in, where channels have a history. `shown`: positions of its handshake, undefined where it has none. */
  admitted(shown: readonly ChannelPosition[] | undefined): void;
  /** The connection is gone. */
  leave(): void;
}

/** What channels need of the endpoint whose connections they keep. */
export interface ChannelEndpoint {
  /** Whether clients hear of channels that they come into without asking, also where these have no history. */
  readonly tellsOfJoins: boolean;
  /** What is held for clients. */
  readonly memory: Pick<ClientMemory, 'recovering'>;
  /** Frames for all clients that this turn has brought so far. */
  readonly told: number;
  /**
   * The frame of a record, for the subscribers of one channel; null: not for clients. Throws what the codec throws. `position`:
   * where a client is that has it.
   */
  publication(channel: string, message: Message, position?: ChannelPosition): SharedFrame | null;
  /** The same for a record that was read again: one that the codec fails on is logged, and null. */
  recovered(channel: string, message: Message, position: ChannelPosition): SharedFrame | null;
  /** The frame by which subscribers learn that records were lost; null where they learn nothing. Throws what the codec throws. */
  gap(channel: string, position: ChannelPosition, reason: GapReason): SharedFrame | null;
  /** The frame by which subscribers learn who came or left; null where they learn nothing. */
  announcement(channel: string, change: PresenceChange): SharedFrame | null;
  /** Hands on each record of a batch with its place in it, and acks the batch. A record on which `each` throws is nacked. */
  deliverEach(batch: Batch, each: (message: Message, at: number) => number): void;
  /** Something goes out at the end of this turn, a record if it is one: there, `fanOut` is called. */
  mark(message?: Message): void;
  /** Sends out now what the turn has brought, to those who are subscribed by now. */
  sendWaiting(): void;
}

/** The channels of an endpoint on this gateway, and their subscribers. */
export interface EndpointChannels {
  /** Channels that have subscribers. */
  readonly size: number;
  readonly subscriptions: number;
  /** Which clients are in them, on all gateways; undefined where that is not kept. */
  readonly presence: Residence | undefined;
  /** Whether earlier records are kept: clients are in their channels once they are let in. */
  readonly hasHistory: boolean;
  enter(client: ChannelClient, joined: readonly string[]): ChannelMember;
  /** See EndpointPort. */
  publish(batch: Batch, channels: readonly unknown[], feed?: ChannelFeed): void;
  /**
   * The feed says where channels are from now on: before the first of its records comes. It takes the place of one with its name,
   * that of its pipeline before a reload, and goes on where that one ended. Subscribers of a channel that some feed had before, and
   * that does not go on where that was left, hear of it. Called again when its topic is another one, by the epoch, once no record of
   * the old one is in flight.
   */
  attach(feed: ChannelFeed): void;
  /** Nothing more comes of what the feed reads now, as its pipeline is gone or its topic is another one: its channels are left there. */
  ended(feed: ChannelFeed, end: FeedEnd): void;
  /**
   * Records of an attached feed in front of `at` were lost, as retention has removed them before they were read. Called once no record
   * of before is in flight, and before one from `at` on comes: subscribers of the channels in that partition hear of it.
   */
  gap(feed: ChannelFeed, at: ChannelPosition): void;
  /** The feed, and one of its name before it, says nothing of channels any more. */
  detach(feed: ChannelFeed): void;
  /** Records of each channel that would be kept of those that are read again; undefined where there is no room for more. */
  readonly keptOfEach: number | undefined;
  /** What was read again of an attached feed, whose positions have that epoch: it is kept where there is room. */
  extend(feed: ChannelFeed, epoch: string, part: EarlierPart): void;
  /**
   * Gives each connection all that this turn has brought for it, in order and in one piece: of its channels, and what is for all.
   * Returns to how many; undefined where no channel has anything, and nothing was done.
   */
  fanOut(forAll: FrameGroup): number | undefined;
}
