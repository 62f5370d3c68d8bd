import {
  type Announce,
  ChannelsPresence,
  type ChannelsPresenceOptions,
} from '../../../src/channels/presence/channels-presence.ts';
import { presenceTopicOf } from '../../../src/channels/presence/presence-topic.ts';
import type { PresenceChange } from '../../../src/core/presence.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { keptLogger } from '../actors/rig.ts';
import { type Compaction, HandLog, HandPorts } from '../presence/hand-log.ts';

/** Channels whose log and gateways move by hand. */
export const TOPIC = presenceTopicOf('prices');
export const LEASE = 300;

export function handLog(): HandLog {
  return new HandLog([TOPIC]);
}

const WHOLE: Compaction = { part: 0, keepsTombstones: true };

export class HandChannels extends HandPorts {
  readonly presence: ChannelsPresence;
  /** What its subscribers have heard, as `channel+client` and `channel-client`. */
  readonly told: string[] = [];
  readonly faults: string[] = [];
  /** Its own subscriptions, as `channel client`. */
  readonly own = new Set<string>();
  readonly stats = createStats();
  isGone = false;
  isLeaving = false;
  private announce: Announce = () => {};
  private readonly last = new Map<string, PresenceChange['type']>();

  constructor(log: HandLog, compaction = WHOLE, limits: Partial<ChannelsPresenceOptions> = {}) {
    super(log, compaction);
    this.presence = new ChannelsPresence(
      {
        endpoint: 'prices',
        topic: 'prices',
        log: this.logPort,
        write: (topic) => this.writePort(topic),
        lease: LEASE,
        isAlone: false,
        maxListed: 100,
        maxKnown: 1_000,
        announces: true,
        clock: this.clock,
        logger: keptLogger().logger,
        stats: this.stats,
        ...limits,
      },
      (changes) => this.announced(changes),
    );
    this.presence.start();
  }

  /** For an endpoint whose subscribers hear of it, too. */
  connected(announce: Announce): ChannelsPresence {
    this.announce = announce;
    return this.presence;
  }

  subscribe(channel: string, client: string, user = ''): void {
    this.own.add(`${channel} ${client}`);
    this.presence.subscribed({ channel, client: { client, user } });
  }

  unsubscribe(channel: string, client: string): void {
    this.own.delete(`${channel} ${client}`);
    this.presence.unsubscribed(channel, client);
  }

  /** The clients of a channel in order; undefined where they are not known. */
  clients(channel: string): readonly string[] | undefined {
    return this.presence
      .of(channel, false, '')
      ?.members?.map(({ client }) => client)
      .sort();
  }

  /** Clients of which its subscribers have heard last that they are in the channel. */
  heardIn(channel: string): readonly string[] {
    return [...this.last].flatMap(([key, type]) => {
      const [of, client = ''] = key.split(' ');
      return of === channel && type === 'joined' ? [client] : [];
    });
  }

  async resign(): Promise<void> {
    this.isLeaving = true;
    for (const one of [...this.own]) this.unsubscribe(...(one.split(' ') as [string, string]));
    await this.presence.resign();
    this.isGone = true;
    await this.presence.close();
  }

  /** Some of what it wrote may still arrive. */
  kill(arriving: number): void {
    this.store(arriving);
    this.isGone = true;
    this.dropWaiting();
    void this.presence.close();
  }

  private announced(changes: ReadonlyMap<string, readonly PresenceChange[]>): void {
    this.announce(changes);
    if (changes.size === 0) this.faults.push('told of nothing');
    for (const [channel, some] of changes) {
      for (const { type, client } of some) {
        const key = `${channel} ${client.client}`;
        if (this.last.get(key) === type) this.faults.push(`${key} ${type} twice`);
        this.last.set(key, type);
        this.told.push(`${channel}${type === 'joined' ? '+' : '-'}${client.client}`);
      }
      const known = this.clients(channel);
      for (const { client } of some) {
        const isIn = this.last.get(`${channel} ${client.client}`) === 'joined';
        if (known !== undefined && known.includes(client.client) !== isIn)
          this.faults.push(`${channel} ${client.client} should be ${isIn ? 'in' : 'out'}, and is not`);
      }
    }
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Everything arrives and is read by all of them, some times over, with time in between; the dead are found. */
export async function settle(gateways: readonly HandChannels[], rounds = 12): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    for (let step = 0; step < 4; step += 1) {
      for (const each of gateways) each.store(10_000);
      for (const each of gateways) each.ack();
      for (const each of gateways) each.deliver(10_000);
      await turn();
    }
    if (round + 1 < rounds) for (const each of gateways) each.tick(LEASE / 3 + 1);
  }
}
