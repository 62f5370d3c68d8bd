import type { ConnectUrl } from '../../sdk/connect-url.ts';
import { whenAll } from '../queues/when-all.ts';
import { RemoteMetrics } from '../reports/metrics.ts';
import type { ConnectionStatus } from '../reports/status-line.ts';
import { ConnectPace } from '../request/connect-pace.ts';
import type { PlanChange, Shard } from '../shards/shard-plan.ts';
import { Sharding } from '../shards/sharding.ts';
import { Channel, type ChannelOwner } from './channel.ts';
import type { FeedServer } from './feed-server.ts';
import { ServerStatus } from './server-status.ts';

/**
 * The channels of a feed: one for each URL, or with `shards` one for each URL and each part of the symbols. A channel whose
 * part has no symbols any more is closed, and opened again for the next part with its number.
 */
export class ChannelSet {
  /** One for each server. */
  readonly statuses: readonly ConnectionStatus[];
  private readonly owner: ChannelOwner;
  private readonly servers: readonly FeedServer[];
  private readonly sharding: Sharding | undefined;
  /** By number. Also those that are closed, as their messages may be unsettled. */
  private readonly channels = new Map<number, Channel>();
  private readonly closing = new Set<Promise<void>>();
  private isOpen = false;
  private isPaused = false;

  /** `names`: of the URLs, as they may be shown. */
  constructor(owner: ChannelOwner, names: readonly string[]) {
    const { settings, context } = owner;
    const { shards, url } = settings;
    this.owner = owner;
    this.servers = names.map((name, at) => ({
      url: url[at] as ConnectUrl,
      name,
      metrics: new RemoteMetrics(name, context),
      pace: shards && new ConnectPace(shards.connect_interval, context.clock),
    }));
    if (shards === undefined) {
      this.statuses = this.add(undefined);
    } else {
      this.sharding = new Sharding({ shards, settings, context, changed: (change) => this.apply(change) });
      this.statuses = this.servers.map((server, at) => new ServerStatus(server, () => this.wantedOf(at)));
    }
    for (const [at, { metrics }] of this.servers.entries()) this.measure(metrics, at);
  }

  /** Also those that are closed. */
  get all(): readonly Channel[] {
    return [...this.channels.values()];
  }

  /** Loads what is subscribed to, and where an earlier run of the feed ended. */
  async load(signal: AbortSignal): Promise<void> {
    const { sharding } = this;
    const change = await sharding?.open(signal);
    if (signal.aborted) return;
    for (const shard of sharding?.shards ?? []) this.add(shard);
    // The places of symbols are kept with the cursors; a part that is new has none.
    for (const shard of change?.opened ?? []) this.begin(shard);
    for (const [shard, symbols] of change?.added ?? []) for (const channel of this.add(shard)) channel.changed(symbols);
    await Promise.all(this.wanted.map((channel) => channel.load(signal)));
  }

  open(): void {
    this.isOpen = true;
    this.isPaused = false;
    for (const channel of this.wanted) channel.open();
  }

  pause(): void {
    this.isPaused = true;
    for (const channel of this.all) channel.pause();
  }

  resume(): void {
    this.isPaused = false;
    for (const channel of this.all) channel.resume();
  }

  /** No message is read any more, and the connections stay as they are. */
  stopReading(): void {
    this.sharding?.hold();
    for (const channel of this.all) channel.stopReading();
  }

  /** Calls back once all messages that were received have arrived at the feed. */
  whenDecided(done: () => void): void {
    whenAll(
      this.all.map((channel) => (one) => channel.whenDecided(one)),
      done,
    );
  }

  async close(): Promise<void> {
    this.isOpen = false;
    await Promise.all([this.sharding?.close(), ...this.closing, ...this.all.map((channel) => channel.close())]);
  }

  // --- within

  private get wanted(): readonly Channel[] {
    return this.all.filter(({ isWanted }) => isWanted);
  }

  private wantedOf(server: number): readonly Channel[] {
    return this.channelsOf(server).filter(({ isWanted }) => isWanted);
  }

  private channelsOf(server: number): readonly Channel[] {
    return this.all.filter(({ number }) => number % this.servers.length === server);
  }

  /** The channels of a part, one for each server, which are made if they are new. */
  private add(shard: Shard | undefined): readonly Channel[] {
    const first = ((shard?.number ?? 1) - 1) * this.servers.length;
    return this.servers.map((server, at) => {
      const number = first + at;
      const channel = this.channels.get(number) ?? new Channel(this.owner, { server, shard, number });
      this.channels.set(number, channel);
      return channel;
    });
  }

  private begin(shard: Shard): void {
    for (const channel of this.add(shard)) channel.begin();
  }

  /** The list has changed while the feed is open, or while `load` is not done: then `open` makes the connections. */
  private apply({ opened, changed, emptied, added }: PlanChange): void {
    for (const shard of opened) {
      this.begin(shard);
      for (const channel of this.add(shard)) {
        channel.changed(added.get(shard) ?? []);
        if (!this.isOpen) continue;
        channel.open();
        if (this.isPaused) channel.pause();
      }
    }
    for (const shard of changed) for (const channel of this.add(shard)) channel.changed(added.get(shard) ?? []);
    for (const shard of emptied) for (const channel of this.add(shard)) this.end(channel);
  }

  private end(channel: Channel): void {
    // What it could not connect to is no trouble of the feed any more.
    this.owner.context.gateway.onStatus(channel.name, undefined);
    const closed = channel.close().finally(() => this.closing.delete(closed));
    this.closing.add(closed);
  }

  private measure(metrics: RemoteMetrics, server: number): void {
    const live = () => this.wantedOf(server).filter(({ isLive }) => isLive).length;
    metrics.watch(() => this.isOpen && live() === this.wantedOf(server).length);
    const { sharding } = this;
    if (sharding === undefined) return;
    metrics.watchShards({ shards: () => this.wantedOf(server).length, live, symbols: () => sharding.size });
  }
}
