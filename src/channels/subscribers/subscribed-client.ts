import type { ChannelClient, ChannelMember, SubscribeRequest } from '../../actors/endpoint/channel-port.ts';
import { CHANNEL_NAME_RULE, CLIENT_PREFIX, isChannelName, isReserved } from '../../core/channel.ts';
import type { ChannelPosition } from '../../core/channel-position.ts';
import { type ErrorCode, TidegateError } from '../../core/errors.ts';
import type { KeptQuery, KeptRecords } from '../../core/kept-records.ts';
import type { ChannelPresence } from '../../core/presence.ts';
import { quote } from '../../core/quote.ts';
import type { ChannelsPresence } from '../presence/channels-presence.ts';
import { ChannelTurn, type Merging } from './channel-turn.ts';
import type { ChannelMetrics, RefusalReason } from './metrics.ts';
import type { OneOrSet } from './one-or-set.ts';
import type { Subscriber, Subscriptions } from './subscriptions.ts';

const PENDING = 'the subscription to this channel has not begun yet; wait for its answer';
const SUBSCRIBED = 'this connection is subscribed to the channel; unsubscribe before a subscribe with since';

/** Channels that it comes into once what it has missed is read. */
export interface PendingSubscription {
  readonly channels: readonly string[];
  /** The client does not want that channel any more. */
  leave(channel: string): void;
  /** Nothing comes of it any more. */
  end(): void;
}

/** What the channels of an endpoint have in common for all its connections. */
export interface ChannelRules {
  readonly index: Subscriptions<SubscribedClient>;
  readonly metrics: Pick<ChannelMetrics, 'refused'>;
  /** Subscriptions of one connection. */
  readonly maxPerConnection: number;
  /** Which clients are in the channels on all gateways; undefined where that is not kept. */
  readonly presence: Pick<ChannelsPresence, 'of'> | undefined;
  /** It may be in the channel and is not yet: it is answered now or later. */
  begin(member: SubscribedClient, request: SubscribeRequest): void;
  /** It is in the channel already. */
  again(member: SubscribedClient, request: SubscribeRequest): void;
  join(member: SubscribedClient, channels: readonly string[], shown?: readonly ChannelPosition[]): void;
  left(member: SubscribedClient): void;
  /** What is kept of a channel. `room`: bytes that the client takes. */
  kept(channel: string, query: KeptQuery, room: number): KeptRecords;
}

/** One connection with its channels, and what a turn has brought in them. */
export class SubscribedClient implements ChannelMember, Subscriber {
  readonly client: ChannelClient;
  /** The channel that it alone is in, always; it is in no index. */
  readonly ownChannel: string;
  channels: OneOrSet<string> | undefined = undefined;
  private readonly rules: ChannelRules;
  /** Channels that it joins once it is let in; undefined: it is. */
  private joining: readonly string[] | undefined;
  /** Subscriptions that wait for what was missed. */
  private recovering: Set<PendingSubscription> | undefined = undefined;
  private due: ChannelTurn | ChannelTurn[] | undefined = undefined;

  /** `joining`: channels that it joins once it is let in; undefined: it is let in. */
  constructor(client: ChannelClient, rules: ChannelRules, joining: readonly string[] | undefined) {
    this.client = client;
    this.rules = rules;
    this.joining = joining;
    this.ownChannel = `${CLIENT_PREFIX}${client.info.clientId}`;
  }

  get isDue(): boolean {
    return this.due !== undefined;
  }

  subscribe(request: SubscribeRequest): TidegateError | undefined {
    const { index, maxPerConnection } = this.rules;
    const { channel, since } = request;
    if (!isChannelName(channel)) return this.invalid(CHANNEL_NAME_RULE);
    if (!this.mayBeIn(channel))
      return this.refuse(
        'not_allowed',
        'TG_NOT_ALLOWED',
        `the endpoint does not allow its client to subscribe to ${quote(channel)}`,
      );
    if (this.recoveryOf(channel) !== undefined) return this.invalid(PENDING);
    if (index.has(this, channel)) {
      if (since !== undefined) return this.invalid(SUBSCRIBED);
      this.rules.again(this, request);
      return undefined;
    }
    if (index.countOf(this) + this.pending >= maxPerConnection) {
      const message = `a connection may be subscribed to ${maxPerConnection} channels (channels.max_per_connection); unsubscribe from others first`;
      return this.refuse('limit', 'TG_LIMIT_REACHED', message);
    }
    this.rules.begin(this, request);
    return undefined;
  }

  join(request: SubscribeRequest): void {
    this.rules.begin(this, request);
  }

  unsubscribe(channel: string): TidegateError | undefined {
    if (!isChannelName(channel)) return this.invalid(CHANNEL_NAME_RULE);
    if (channel === this.ownChannel)
      return this.refuse('not_allowed', 'TG_NOT_ALLOWED', 'a connection cannot leave the channel that is its own');
    if (this.leaveChannel(channel)) return undefined;
    return this.notSubscribed(channel);
  }

  mayPublish(channel: string): TidegateError | undefined {
    if (!isChannelName(channel)) return this.invalid(CHANNEL_NAME_RULE);
    if (!isReserved(channel) && this.client.permissions.has('publish', channel)) return undefined;
    const message = `the endpoint does not allow its client to publish to ${quote(channel)}`;
    return this.refuse('not_allowed', 'TG_NOT_ALLOWED', message);
  }

  presence(channel: string, counts: boolean): ChannelPresence | TidegateError {
    if (!isChannelName(channel)) return this.invalid(CHANNEL_NAME_RULE);
    if (!this.rules.index.has(this, channel)) return this.notSubscribed(channel);
    const presence = this.rules.presence?.of(channel, counts, this.client.info.clientId);
    if (presence !== undefined) return presence;
    const message =
      'it is not known now which clients are in the channel, as this gateway does not hear of the others; ask again';
    return this.refuse('unavailable', 'TG_LOG_UNAVAILABLE', message);
  }

  history(channel: string, query: KeptQuery): KeptRecords | TidegateError {
    if (!isChannelName(channel)) return this.invalid(CHANNEL_NAME_RULE);
    if (!this.rules.index.has(this, channel)) return this.notSubscribed(channel);
    return this.rules.kept(channel, query, this.client.room);
  }

  renew(joined: readonly string[]): readonly string[] {
    const { index, metrics } = this.rules;
    const pending = [...(this.recovering ?? [])].flatMap(({ channels }) => channels);
    const isIn = [...index.channelsOf(this), ...pending];
    const revoked = isIn.filter((channel) => !joined.includes(channel) && !this.mayBeIn(channel));
    for (const channel of revoked) this.leaveChannel(channel);
    metrics.refused.revoked.value += revoked.length;
    if (this.joining !== undefined) this.joining = joined;
    else
      this.rules.join(
        this,
        joined.filter((channel) => !isIn.includes(channel)),
      );
    return revoked;
  }

  admitted(shown: readonly ChannelPosition[] | undefined): void {
    const joined = this.joining ?? [];
    this.joining = undefined;
    this.rules.join(this, joined, shown);
  }

  /** It gets records of the channel from now on. */
  isIn(channel: string): void {
    this.rules.index.add(this, channel);
  }

  awaits(recovering: PendingSubscription): void {
    this.recovering ??= new Set();
    this.recovering.add(recovering);
  }

  awaitsNoMore(recovering: PendingSubscription): void {
    this.recovering?.delete(recovering);
    if (this.recovering?.size === 0) this.recovering = undefined;
  }

  leave(): void {
    for (const recovering of this.recovering ?? []) recovering.end();
    this.rules.left(this);
  }

  /** False where it has something in this turn already. */
  addDue(turn: ChannelTurn): boolean {
    const { due } = this;
    if (due === undefined) {
      this.due = turn;
      return true;
    }
    if (Array.isArray(due)) due.push(turn);
    else this.due = [due, turn];
    return false;
  }

  /** Gives it what it has in this turn. `merging`: with what is for all clients. */
  flush(merging: Merging): void {
    const { due } = this;
    if (due === undefined) return;
    this.due = undefined;
    if (due instanceof ChannelTurn && merging.isForFew) {
      this.client.deliver(due.group, !due.isShared);
      return;
    }
    this.client.deliver(merging.of(Array.isArray(due) ? due : [due]), true);
  }

  private mayBeIn(channel: string): boolean {
    return !isReserved(channel) && this.client.permissions.has('subscribe', channel);
  }

  /** Channels that it is to come into. */
  private get pending(): number {
    let count = 0;
    for (const { channels } of this.recovering ?? []) count += channels.length;
    return count;
  }

  private recoveryOf(channel: string): PendingSubscription | undefined {
    for (const recovering of this.recovering ?? []) if (recovering.channels.includes(channel)) return recovering;
    return undefined;
  }

  /** False where it is not in it, and does not come into it. */
  private leaveChannel(channel: string): boolean {
    const recovering = this.recoveryOf(channel);
    recovering?.leave(channel);
    return this.rules.index.remove(this, channel) || recovering !== undefined;
  }

  private invalid(why: string): TidegateError {
    return this.refuse('invalid', 'TG_MESSAGE_INVALID', why);
  }

  private notSubscribed(channel: string): TidegateError {
    return this.refuse('not_subscribed', 'TG_NOT_SUBSCRIBED', `this connection is not subscribed to ${quote(channel)}`);
  }

  private refuse(reason: RefusalReason, code: ErrorCode, message: string): TidegateError {
    this.rules.metrics.refused[reason].value += 1;
    return new TidegateError(code, message);
  }
}
