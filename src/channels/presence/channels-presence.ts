import type { Residence } from '../../actors/endpoint/residence.ts';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { ChannelPresence, PresenceChange, PresentClient } from '../../core/presence.ts';
import type { Claim, ClaimChange } from '../../presence/claim.ts';
import type { Incarnation } from '../../presence/incarnation.ts';
import { type LifeObserver, PresenceLife } from '../../presence/life.ts';
import { type PresenceMetrics, presenceMetrics } from '../../presence/metrics.ts';
import type { TopicPort } from '../../sdk/context.ts';
import { Outbox } from '../../tables/outbox.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Stats } from '../../telemetry/stats.ts';
import {
  type ChannelRoster,
  type ClientInChannel,
  channelRecords,
  channelRoster,
  recordOf,
} from './clients-in-channels.ts';
import { OwnClients } from './own-clients.ts';
import { presenceTopicOf } from './presence-topic.ts';

export interface ChannelsPresenceOptions {
  readonly endpoint: string;
  /** The presence's own topic is named after it. */
  readonly topic: string;
  readonly log: Pick<Log, 'reader' | 'admin'>;
  readonly write: (topic: string) => TopicPort;
  /** After this long without a record of a gateway, in milliseconds, the others declare it dead. */
  readonly lease: number;
  /** The log belongs to this process alone: every incarnation that wrote to it before is dead. */
  readonly isAlone: boolean;
  /** Members of a channel that an answer lists. */
  readonly maxListed: number;
  /** Subscriptions that are known, of all channels and gateways. */
  readonly maxKnown: number;
  /** Whether subscribers hear of each change. */
  readonly announces: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stats: Stats;
}

/** Tells subscribers of this gateway what has changed in their channel, in the log's order. */
export type Announce = (changes: ReadonlyMap<string, readonly PresenceChange[]>) => void;

/**
 * Which clients are in the channels of an endpoint on all gateways that share its log: a record for each subscription, in a topic that
 * all of them read from its beginning. Gateways that die are found, and their clients removed, as in rooms.
 */
export class ChannelsPresence implements Residence, LifeObserver<ClientInChannel, ChannelRoster> {
  private readonly options: ChannelsPresenceOptions;
  private readonly announce: Announce;
  private readonly own: OwnClients;
  private readonly memberKey: (incarnation: string, seq: number) => string;
  private readonly life: PresenceLife<ClientInChannel, ChannelRoster>;
  private readonly metrics: PresenceMetrics;
  private readonly removeGauge: () => void;
  private readonly endOutbox: () => void;
  /** What subscribers know of; undefined until there is something to know. */
  private shown: ChannelRoster | undefined;
  private changes = new Map<string, PresenceChange[]>();

  constructor(options: ChannelsPresenceOptions, announce: Announce) {
    this.options = options;
    this.announce = announce;
    const { endpoint, log, write, lease, isAlone, maxKnown, clock, logger, stats } = options;
    const topic = presenceTopicOf(options.topic);
    const records = channelRecords(endpoint);
    this.memberKey = (incarnation, seq) => records.memberKey(incarnation, seq);
    const outbox = new Outbox({ name: topic, topic: write(topic), clock, logger });
    const id = () => this.life.current?.id ?? '';
    this.own = new OwnClients({
      claim: (seq, member, isWanted, done) =>
        outbox.put({
          key: records.memberKey(id(), seq),
          value: recordOf(member),
          stored: () => done(true),
          lost: () => done(false),
          isWanted,
        }),
      withdraw: (seq, done) => outbox.put({ key: records.memberKey(id(), seq), value: null, stored: done, lost: done }),
      hasRoom: (unread) => this.size + unread < maxKnown,
    });
    this.metrics = presenceMetrics(stats, endpoint, {
      members: () => this.size,
      gateways: () => this.life.current?.roster.others.length ?? 0,
    });
    this.removeGauge = stats.gauge('tidegate_presence_unlisted', { endpoint }, () => this.own.unlisted);
    this.endOutbox = () => outbox.close();
    const { metrics } = this;
    this.life = new PresenceLife({
      ...{ endpoint, log, lease, isAlone, clock, logger, topic, records, outbox, metrics },
      roster: channelRoster,
      observer: this,
    });
  }

  start(): void {
    this.life.start();
  }

  resign(): Promise<void> {
    return this.life.resign();
  }

  async close(): Promise<void> {
    await this.life.close();
    this.metrics.remove();
    this.removeGauge();
  }

  // --- from the channels

  subscribed(member: ClientInChannel): void {
    this.own.join(member);
  }

  unsubscribed(channel: string, client: string): void {
    this.own.leave(channel, client);
  }

  /** `asking`: a client of this gateway, which is in it at once. Undefined where this gateway cannot know: it has not read all of it yet, or the log is away, or it was declared dead. */
  of(channel: string, counts: boolean, asking: string): ChannelPresence | undefined {
    const { maxListed, maxKnown } = this.options;
    const { current } = this.life;
    if (current === undefined || !current.isHeld || this.shown !== current.roster) return undefined;
    const { claims } = this.shown;
    const presence = claims.of(channel, counts ? undefined : maxListed, this.unreadOf(current.id, channel, asking));
    return this.size < maxKnown ? presence : { ...presence, isPartial: true };
  }

  // --- from the life

  began(): void {}

  admitted({ id, roster }: Incarnation<ClientInChannel, ChannelRoster>): void {
    const before = this.shown;
    this.shown = roster;
    // Before the first one no subscriber has been told of anyone.
    if (before !== undefined) this.compare(before, roster);
    this.batchRead();
    const facts = { incarnation: id, clients: roster.claims.size, gateways: roster.others.length };
    this.options.logger.debug(facts, 'the clients in channels of other gateways are known');
    this.own.open();
  }

  joined(claim: Claim<ClientInChannel>): void {
    if (claim.incarnation === this.life.current?.id) this.own.readBack();
    this.note({ type: 'joined', claim });
  }

  left(claim: Claim<ClientInChannel>): void {
    this.note({ type: 'left', claim });
  }

  /** No claim loses: a client may be in any number of channels. */
  lost(): void {}

  renewed(): void {}

  batchRead(): void {
    const { changes } = this;
    if (changes.size > 0) {
      this.changes = new Map();
      this.announce(changes);
    }
    // Those that have left have made room.
    this.own.work();
  }

  fenced(): void {
    this.options.logger.warn(
      {},
      'the other gateways have declared this one dead, because they read nothing of it for the length of a lease: its clients stay connected, and are in their channels again once the members were read',
    );
    this.own.startAgain();
  }

  leaving(): void {
    this.own.end();
  }

  ended(): void {
    this.endOutbox();
  }

  private get size(): number {
    return this.life.current?.roster.claims.size ?? 0;
  }

  /** The client, where its claim was not read back yet. */
  private unreadOf(incarnation: string, channel: string, client: string): PresentClient | undefined {
    const own = this.own.of(channel, client);
    if (own === undefined) return undefined;
    const key = this.memberKey(incarnation, own.seq);
    const isRead =
      own.seq > 0 && this.shown?.claims.has({ key, incarnation, seq: own.seq, member: own.member }) === true;
    return isRead ? undefined : own.member.client;
  }

  /** What subscribers have missed while the next incarnation read the topic. */
  private compare(before: ChannelRoster, after: ChannelRoster): void {
    for (const claim of before.claims.all) if (!after.claims.has(claim)) this.add({ type: 'left', claim });
    for (const claim of after.claims.all) if (!before.claims.has(claim)) this.add({ type: 'joined', claim });
  }

  private note(change: ClaimChange<ClientInChannel>): void {
    if (this.shown !== undefined && this.shown === this.life.current?.roster) this.add(change);
  }

  private add({ type, claim }: ClaimChange<ClientInChannel>): void {
    if (!this.options.announces) return;
    const { channel, client } = claim.member;
    const changes = this.changes.get(channel);
    if (changes === undefined) this.changes.set(channel, [{ type, client }]);
    else changes.push({ type, client });
  }
}
