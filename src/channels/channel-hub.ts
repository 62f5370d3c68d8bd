import type {
  ChannelClient,
  ChannelEndpoint,
  ChannelMember,
  EndpointChannels,
} from '../actors/endpoint/channel-port.ts';
import type { Batch } from '../core/batch.ts';
import { isChannelName, isReserved } from '../core/channel.ts';
import type { ChannelFeed } from '../core/channel-feed.ts';
import type { Message } from '../core/message.ts';
import type { FrameGroup } from '../core/shared-frame.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Stats } from '../telemetry/stats.ts';
import { ChannelAnnouncer } from './channel-announcer.ts';
import { ChannelTurn, Merging } from './channel-turn.ts';
import type { Announce, ChannelsPresence } from './channels-presence.ts';
import { type ChannelMetrics, channelMetrics } from './metrics.ts';
import { countOf, type OneOrSet } from './one-or-set.ts';
import { type ChannelRules, SubscribedClient } from './subscribed-client.ts';
import { SubscriberWatch } from './subscriber-watch.ts';
import { Subscriptions } from './subscriptions.ts';

export interface ChannelHubOptions {
  readonly endpoint: string;
  /** Subscriptions of one connection, those that it joins at its handshake included. */
  readonly maxPerConnection: number;
  /** Where it is kept who is in them on all gateways. */
  readonly presence?: ((announce: Announce) => ChannelsPresence) | undefined;
  readonly stats: Stats;
  readonly logger: Logger;
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
  /** All connections, by the name of the channel of each that is its own. */
  private readonly clients = new Map<string, SubscribedClient>();
  /** Those whose records have positions, by their names. */
  private readonly feeds = new Map<string, ChannelFeed>();
  /** What this turn has brought, by channel. */
  private turns = new Map<string, ChannelTurn>();
  private sequence = 0;

  constructor({ endpoint, maxPerConnection, presence, stats, logger }: ChannelHubOptions, home: ChannelEndpoint) {
    this.maxPerConnection = maxPerConnection;
    this.endpoint = home;
    this.presence = presence?.((changes) => announcer.announce(changes));
    this.index = new Subscriptions(this.presence && new SubscriberWatch(this.presence));
    const announcer = new ChannelAnnouncer(this.index, home, logger);
    this.metrics = channelMetrics(stats, endpoint, {
      channels: () => this.size,
      subscriptions: () => this.subscriptions,
    });
  }

  get size(): number {
    return this.index.channels;
  }

  get subscriptions(): number {
    return this.index.size;
  }

  enter(client: ChannelClient, joined: readonly string[]): ChannelMember {
    const member = new SubscribedClient(client, this);
    this.clients.set(member.ownChannel, member);
    for (const channel of joined) this.index.add(member, channel);
    return member;
  }

  left(member: SubscribedClient): void {
    this.index.removeAll(member);
    this.clients.delete(member.ownChannel);
  }

  attach(feed: ChannelFeed): void {
    this.feeds.set(feed.name, feed);
  }

  detach(feed: ChannelFeed): void {
    if (this.feeds.get(feed.name) === feed) this.feeds.delete(feed.name);
  }

  publish(batch: Batch, channels: readonly unknown[]): void {
    this.endpoint.deliverEach(batch, (message, at) => {
      const named = channels[at];
      if (typeof named === 'string') return this.publishTo(named, message);
      if (Array.isArray(named) && named.length > 0) return this.publishToAll(named, message);
      return this.nowhere(named, message);
    });
  }

  fanOut(forAll: FrameGroup): number | undefined {
    const { turns } = this;
    if (turns.size === 0) return undefined;
    this.turns = new Map();
    this.sequence = 0;
    const touched = this.touch(turns);
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

  /** Tells each subscriber which of its channels have something for it. */
  private touch(turns: ReadonlyMap<string, ChannelTurn>): SubscribedClient[] {
    const touched: SubscribedClient[] = [];
    for (const turn of turns.values()) {
      const subscribers = this.subscribersOf(turn.channel);
      if (subscribers === undefined) continue;
      if (!(subscribers instanceof Set)) {
        if (subscribers.addDue(turn)) touched.push(subscribers);
        continue;
      }
      turn.isShared = true;
      for (const member of subscribers) if (member.addDue(turn)) touched.push(member);
    }
    return touched;
  }

  private subscribersOf(channel: string): OneOrSet<SubscribedClient> | undefined {
    return this.index.of(channel) ?? (isReserved(channel) ? this.clients.get(channel) : undefined);
  }

  /** Returns how many connections get it. */
  private publishTo(channel: string, message: Message): number {
    const subscribers = this.subscribersOf(channel);
    if (subscribers === undefined) return isChannelName(channel) ? this.unheard() : this.nowhere(channel, message);
    const frame = this.endpoint.publication(channel, message);
    if (frame === null) return 0;
    let turn = this.turns.get(channel);
    if (turn === undefined) {
      turn = new ChannelTurn(channel);
      this.turns.set(channel, turn);
    }
    turn.add({ frame, sequence: this.sequence, told: this.endpoint.told });
    this.sequence += 1;
    this.endpoint.mark(message);
    this.metrics.records.delivered.value += 1;
    return countOf(subscribers);
  }

  /** One that is named twice gets it once. A name that is none takes the record from no other channel. */
  private publishToAll(names: readonly unknown[], message: Message): number {
    const valid = new Set(names.filter(isChannelName));
    const wrong = names.filter((name) => !isChannelName(name));
    for (const name of wrong) this.countNowhere(name);
    if (valid.size === 0) message.ack('filtered');
    let sockets = 0;
    for (const channel of valid) sockets += this.publishTo(channel, message);
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
