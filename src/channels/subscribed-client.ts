import type { ChannelClient, ChannelMember } from '../actors/endpoint/channel-port.ts';
import { CHANNEL_NAME_RULE, CLIENT_PREFIX, isChannelName, isReserved } from '../core/channel.ts';
import { type ErrorCode, TidegateError } from '../core/errors.ts';
import { quote } from '../core/quote.ts';
import { ChannelTurn, type Merging } from './channel-turn.ts';
import type { ChannelMetrics, RefusalReason } from './metrics.ts';
import type { OneOrSet } from './one-or-set.ts';
import type { Subscriber, Subscriptions } from './subscriptions.ts';

/** What the channels of an endpoint have in common for all its connections. */
export interface ChannelRules {
  readonly index: Subscriptions<SubscribedClient>;
  readonly metrics: Pick<ChannelMetrics, 'refused'>;
  /** Subscriptions of one connection. */
  readonly maxPerConnection: number;
  left(member: SubscribedClient): void;
}

/** One connection with its channels, and what a turn has brought in them. */
export class SubscribedClient implements ChannelMember, Subscriber {
  readonly client: ChannelClient;
  /** The channel that it alone is in, always; it is in no index. */
  readonly ownChannel: string;
  channels: OneOrSet<string> | undefined = undefined;
  private readonly rules: ChannelRules;
  private due: ChannelTurn | ChannelTurn[] | undefined = undefined;

  constructor(client: ChannelClient, rules: ChannelRules) {
    this.client = client;
    this.rules = rules;
    this.ownChannel = `${CLIENT_PREFIX}${client.info.clientId}`;
  }

  get isDue(): boolean {
    return this.due !== undefined;
  }

  subscribe(channel: string): TidegateError | undefined {
    const { index, maxPerConnection } = this.rules;
    if (!isChannelName(channel)) return this.invalid();
    if (!this.mayBeIn(channel))
      return this.refuse(
        'not_allowed',
        'TG_NOT_ALLOWED',
        `the endpoint does not allow its client to subscribe to ${quote(channel)}`,
      );
    if (index.has(this, channel)) return undefined;
    if (index.countOf(this) >= maxPerConnection) {
      const message = `a connection may be subscribed to ${maxPerConnection} channels (channels.max_per_connection); unsubscribe from others first`;
      return this.refuse('limit', 'TG_LIMIT_REACHED', message);
    }
    index.add(this, channel);
    return undefined;
  }

  unsubscribe(channel: string): TidegateError | undefined {
    if (!isChannelName(channel)) return this.invalid();
    if (channel === this.ownChannel)
      return this.refuse('not_allowed', 'TG_NOT_ALLOWED', 'a connection cannot leave the channel that is its own');
    if (this.rules.index.remove(this, channel)) return undefined;
    return this.refuse('not_subscribed', 'TG_NOT_SUBSCRIBED', `this connection is not subscribed to ${quote(channel)}`);
  }

  mayPublish(channel: string): TidegateError | undefined {
    if (!isChannelName(channel)) return this.invalid();
    if (!isReserved(channel) && this.client.permissions.has('publish', channel)) return undefined;
    const message = `the endpoint does not allow its client to publish to ${quote(channel)}`;
    return this.refuse('not_allowed', 'TG_NOT_ALLOWED', message);
  }

  renew(joined: readonly string[]): readonly string[] {
    const { index, metrics } = this.rules;
    const revoked = index.channelsOf(this).filter((channel) => !joined.includes(channel) && !this.mayBeIn(channel));
    for (const channel of revoked) index.remove(this, channel);
    metrics.refused.revoked.value += revoked.length;
    for (const channel of joined) index.add(this, channel);
    return revoked;
  }

  leave(): void {
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

  private invalid(): TidegateError {
    return this.refuse('invalid', 'TG_MESSAGE_INVALID', CHANNEL_NAME_RULE);
  }

  private refuse(reason: RefusalReason, code: ErrorCode, message: string): TidegateError {
    this.rules.metrics.refused[reason].value += 1;
    return new TidegateError(code, message);
  }
}
