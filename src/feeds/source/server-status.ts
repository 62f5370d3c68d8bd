import type { RemoteMetrics } from '../reports/metrics.ts';
import type { ConnectionStatus } from '../reports/status-line.ts';
import type { Channel } from './channel.ts';
import type { FeedServer } from './feed-server.ts';

/** The state of all connections of a server together. */
export class ServerStatus implements ConnectionStatus {
  readonly name: string;
  readonly metrics: RemoteMetrics;
  private readonly channels: () => readonly Channel[];

  constructor({ name, metrics }: FeedServer, channels: () => readonly Channel[]) {
    this.name = name;
    this.metrics = metrics;
    this.channels = channels;
  }

  get state(): string {
    const channels = this.channels();
    const live = channels.filter(({ isLive }) => isLive).length;
    return `live on ${live} of ${channels.length} connections`;
  }

  /** Replacements are made connection by connection, and logged there. */
  get nextState(): undefined {
    return undefined;
  }

  /** Of one of them. */
  get notLiveReason(): string | undefined {
    return this.channels().find(({ isLive, notLiveReason }) => !isLive && notLiveReason !== undefined)?.notLiveReason;
  }
}
