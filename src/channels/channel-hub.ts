import type {
  ChannelClient,
  ChannelEndpoint,
  ChannelMember,
  EndpointChannels,
  SubscribeRequest,
} from '../actors/endpoint/channel-port.ts';
import type { Batch } from '../core/batch.ts';
import { isChannelName, isReserved } from '../core/channel.ts';
import type { ChannelFeed, EarlierPart, FeedEnd } from '../core/channel-feed.ts';
import type { ChannelPosition } from '../core/channel-position.ts';
import type { GapReason } from '../core/channel-protocol.ts';
import type { Clock } from '../core/clock.ts';
import type { KeptQuery, KeptRecords } from '../core/kept-records.ts';
import type { Message } from '../core/message.ts';
import type { PresenceChange } from '../core/presence.ts';
import type { FrameGroup, SharedFrame } from '../core/shared-frame.ts';
import type { Stats } from '../telemetry/stats.ts';
import { ChannelHistory, type HistorySettings } from './history/channel-history.ts';
import type { FeedPartition } from './history/feed-partition.ts';
import type { Announce, ChannelsPresence } from './presence/channels-presence.ts';
import { Merging } from './subscribers/channel-turn.ts';
import { ChannelTurns } from './subscribers/channel-turns.ts';
import { type ChannelMetrics, channelMetrics, historyMetrics } from './subscribers/metrics.ts';
import { countOf, listOf, type OneOrSet } from './subscribers/one-or-set.ts';
import { type ChannelRules, SubscribedClient } from './subscribers/subscribed-client.ts';
import { SubscriberWatch } from './subscribers/subscriber-watch.ts';
import { Subscriptions } from './subscribers/subscriptions.ts';
import { Subscribing } from './subscribing/subscribing.ts';

/** The answer of an endpoint whose channels have no history. */
const NOTHING_KEPT: KeptRecords = { position: undefined, payloads: undefined };

export interface ChannelHubOptions {
  readonly endpoint: string;
  /** Subscriptions of one connection, those that it joins at its handshake included. */
  readonly maxPerConnection: number;
  /** Where it is kept which clients are in them on all gateways. */
  readonly presence?: ((announce: Announce) => ChannelsPresence) | undefined;
  readonly stats: Stats;
  readonly clock: Clock;
  /** Where earlier records are kept. */
  readonly history?: HistorySettings | undefined;
}

/**
 * The channels of an endpoint: a record costs one lookup, and then as much as it has subscribers. What a turn of the event loop
 * brings goes out at its end, to those who are subscribed by then.
 */
export class ChannelHub implements EndpointChannels, ChannelRules {
  readonly maxPerConnection: number;
  readonly metrics: ChannelMetrics;
  readonly presence: ChannelsPresence | undefined;
  readonly index: Subscriptions<SubscribedClient>;
  private readonly endpoint: ChannelEndpoint;
  /** Undefined where channels have none. */
  private readonly history: ChannelHistory | undefined;
  private readonly subscribing: Subscribing | undefined;
  /** All connections, by the name of the channel of each that is its own. */
  private readonly clients = new Map<string, SubscribedClient>();
  private readonly turns = new ChannelTurns((channel) => this.subscribersOf(channel));

  constructor(options: ChannelHubOptions, home: ChannelEndpoint) {
    const { endpoint, maxPerConnection, stats, clock, history, presence } = options;
    this.maxPerConnection = maxPerConnection;
    this.endpoint = home;
    this.presence = presence?.((changes) => this.announce(changes));
    this.index = new Subscriptions(this.presence && new SubscriberWatch(this.presence));
    this.metrics = channelMetrics(stats, endpoint, {
      channels: () => this.size,
      subscriptions: () => this.subscriptions,
    });
    if (history === undefined) return;
    const kept = new ChannelHistory(history, home);
    this.history = kept;
    this.subscribing = new Subscribing(kept, home, clock, historyMetrics(stats, endpoint, kept.ring));
  }

  get size(): number {
    return this.index.channels;
  }

  get subscriptions(): number {
    return this.index.size;
  }

  get hasHistory(): boolean {
    return this.history !== undefined;
  }

  enter(client: ChannelClient, joined: readonly string[]): ChannelMember {
    const member = new SubscribedClient(client, this, this.hasHistory ? joined : undefined);
    this.clients.set(member.ownChannel, member);
    if (!this.hasHistory) this.join(member, joined);
    return member;
  }

  begin(member: SubscribedClient, request: SubscribeRequest): void {
    const { channel, since, correlation } = request;
    if (this.subscribing !== undefined) this.subscribing.ask(member, request);
    else {
      this.index.add(member, channel);
      member.client.subscribed(channel, correlation, since === undefined ? {} : { recovered: false });
    }
  }

  again({ client }: SubscribedClient, { channel, correlation }: SubscribeRequest): void {
    const position = this.subscribing?.positionNow(channel);
    // With that a client which is cut now would not get what waits for it.
    client.subscribed(channel, correlation, client.isBehind ? {} : { position });
  }

  kept(channel: string, query: KeptQuery, room: number): KeptRecords {
    return this.subscribing?.kept(channel, query, room) ?? NOTHING_KEPT;
  }

  join(member: SubscribedClient, channels: readonly string[], shown?: readonly ChannelPosition[]): void {
    if (this.subscribing !== undefined) {
      this.subscribing.join(member, channels, shown);
      return;
    }
    for (const channel of channels) {
      this.index.add(member, channel);
      if (this.endpoint.tellsOfJoins) member.client.subscribed(channel, undefined, {});
    }
  }

  left(member: SubscribedClient): void {
    this.index.removeAll(member);
    this.clients.delete(member.ownChannel);
  }

  attach(feed: ChannelFeed): void {
    const { history } = this;
    if (history === undefined) return;
    history.attach(feed);
    this.tellOfGap(feed, (place, channel) => history.breakBefore(place, channel));
  }

  ended(feed: ChannelFeed, end: FeedEnd): void {
    this.history?.ended(feed, end, () => this.index.names());
  }

  detach(feed: ChannelFeed): void {
    this.history?.detach(feed);
  }

  get keptOfEach(): number | undefined {
    return this.history?.keptOfEach;
  }

  extend(feed: ChannelFeed, epoch: string, part: EarlierPart): void {
    this.history?.extend(feed, epoch, part);
  }

  gap(feed: ChannelFeed, at: ChannelPosition): void {
    this.history?.restart(feed, at);
    this.tellOfGap(feed, (place) => (place.partition === at.partition ? 'expired' : undefined));
  }

  publish(batch: Batch, channels: readonly unknown[], feed?: ChannelFeed): void {
    this.endpoint.deliverEach(batch, (message, at) => {
      const named = channels[at];
      if (typeof named === 'string') return this.publishTo(named, message, feed);
      if (Array.isArray(named) && named.length > 0) return this.publishToAll(named, message, feed);
      return this.nowhere(named, message);
    });
  }

  fanOut(forAll: FrameGroup): number | undefined {
    if (this.turns.isEmpty) return undefined;
    const touched = this.turns.end();
    const merging = new Merging(forAll.frames);
    if (merging.isForFew) {
      for (const member of touched) member.flush(merging);
      return touched.length;
    }
    for (const member of this.clients.values()) {
      if (member.isDue) member.flush(merging);
      else member.client.deliver(forAll, false);
    }
    return this.clients.size;
  }

  /** Subscribers hear of it in the order of the records. `reasonIn`: undefined where nothing is missing. */
  private tellOfGap(
    feed: ChannelFeed,
    reasonIn: (place: FeedPartition, channel: string) => GapReason | undefined,
  ): void {
    for (const channel of this.index.names()) {
      const place = this.history?.placeIn(feed, channel);
      const reason = place && reasonIn(place, channel);
      if (place !== undefined && reason !== undefined) this.tellOfGapIn(channel, place.at(place.next), reason);
    }
  }

  /** Clients that cannot hear of it are cut: they come back, and hear then what they have missed. */
  private tellOfGapIn(channel: string, at: ChannelPosition, reason: GapReason): void {
    try {
      this.tell(channel, this.endpoint.gap(channel, at, reason));
    } catch (error) {
      for (const { client } of listOf(this.index.of(channel))) client.failed(error);
    }
  }

  /** In the order of the records; frames are made where the channel has a subscriber here. */
  private announce(changes: ReadonlyMap<string, readonly PresenceChange[]>): void {
    for (const [channel, some] of changes) {
      if (this.index.of(channel) === undefined) continue;
      for (const change of some) this.tell(channel, this.endpoint.announcement(channel, change));
    }
  }

  /** `frame`: of no record; null: there is nothing to say. */
  private tell(channel: string, frame: SharedFrame | null): void {
    if (frame === null) return;
    this.turns.add(channel, frame, this.endpoint.told);
    this.endpoint.mark();
  }

  private subscribersOf(channel: string): OneOrSet<SubscribedClient> | undefined {
    return this.index.of(channel) ?? (isReserved(channel) ? this.clients.get(channel) : undefined);
  }

  /** Returns how many connections get it. */
  private publishTo(channel: string, message: Message, feed: ChannelFeed | undefined): number {
    const subscribers = this.subscribersOf(channel);
    const history = this.historyOf(channel);
    if (subscribers === undefined && (history === undefined || !isChannelName(channel)))
      return isChannelName(channel) ? this.unheard() : this.nowhere(channel, message);
    const frame =
      history !== undefined ? history.publication(channel, message, feed) : this.endpoint.publication(channel, message);
    if (subscribers === undefined) return this.unheard();
    if (frame === null) return 0;
    this.turns.add(channel, frame, this.endpoint.told);
    this.endpoint.mark(message);
    this.metrics.records.delivered.value += 1;
    return countOf(subscribers);
  }

  /** Undefined where nothing is kept of the channel. */
  private historyOf(channel: string): ChannelHistory | undefined {
    return this.history === undefined || isReserved(channel) ? undefined : this.history;
  }

  /** One that is named twice gets it once. A name that is none takes the record from no other channel. */
  private publishToAll(names: readonly unknown[], message: Message, feed: ChannelFeed | undefined): number {
    const valid = new Set(names.filter(isChannelName));
    const wrong = names.filter((name) => !isChannelName(name));
    for (const name of wrong) this.countNowhere(name);
    if (valid.size === 0) message.ack('filtered');
    let sockets = 0;
    for (const channel of valid) sockets += this.publishTo(channel, message, feed);
    return sockets;
  }

  private unheard(): number {
    this.metrics.records.no_subscriber.value += 1;
    return 0;
  }

  /** The record is for no channel, and so for no one: it counts as done on purpose. */
  private nowhere(named: unknown, message: Message): number {
    this.countNowhere(named);
    message.ack('filtered');
    return 0;
  }

  private countNowhere(named: unknown): void {
    const isMissing =
      named === undefined || named === null || named === '' || (Array.isArray(named) && named.length === 0);
    this.metrics.records[isMissing ? 'missing' : 'invalid'].value += 1;
  }
}
