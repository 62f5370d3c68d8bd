import type { ConnectUrl } from '../../sdk/connect-url.ts';
import type { Server } from '../connection/server.ts';
import type { FeedContext } from '../context/feed-context.ts';
import type { RemoteMetrics } from '../reports/metrics.ts';
import type { ConnectPace } from '../request/connect-pace.ts';
import type { FeedSettings } from '../settings/source-settings.ts';
import type { Shard } from '../shards/shard-plan.ts';
import { partOf } from '../shards/shard-share.ts';

/** A server of a feed. */
export interface FeedServer {
  readonly url: ConnectUrl;
  /** The URL as it may be shown; different for each server. */
  readonly name: string;
  readonly metrics: RemoteMetrics;
  /** undefined if there is one connection. */
  readonly pace: ConnectPace | undefined;
}

/** What distinguishes a channel from the others of its feed. */
export interface ChannelIdentity {
  readonly server: FeedServer;
  /** Its part of the symbols; undefined without `shards`. */
  readonly shard: Shard | undefined;
  /** From 0. */
  readonly number: number;
}

/** Of a URL, or of a part of its symbols, as it may be shown. */
export function nameOfChannel(url: string, shard: Shard | undefined, { shards }: Pick<FeedSettings, 'shards'>): string {
  return shard === undefined ? url : `${url} ${partOf(shards?.share)}shard ${shard.number}`;
}

/** What the connections of a channel with this name have in common. */
export function serverOf(
  { url, metrics, pace }: FeedServer,
  name: string,
  shard: Shard | undefined,
  { settings, context }: { readonly settings: FeedSettings; readonly context: FeedContext },
): Server {
  const sharding = shard && settings.shards && { shard, settings: settings.shards };
  const isNumbered = settings.sequence !== undefined;
  return { url, name, settings, resume: settings.resume?.message, isNumbered, metrics, context, sharding, pace };
}
