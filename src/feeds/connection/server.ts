import type { RemoteTarget } from '../../core/remote.ts';
import type { RemoteSettings } from '../../sdk/connect-settings.ts';
import type { ConnectTemplate } from '../../sdk/connect-template.ts';
import type { ConnectUrl } from '../../sdk/connect-url.ts';
import type { ComponentContext, GatewayPorts } from '../../sdk/context.ts';
import type { RemoteMetrics } from '../reports/metrics.ts';
import type { ConnectPace } from '../request/connect-pace.ts';
import type { ServerSharding } from '../shards/shard-subscriptions.ts';

/** What is the same for all connections to a server. */
export interface Server {
  readonly url: ConnectUrl;
  /** The URL as it may be shown. */
  readonly name: string;
  readonly settings: RemoteSettings;
  /** Sent after `subscribe` if there is a cursor. */
  readonly resume?: ConnectTemplate | undefined;
  /** Whether messages that are no records are passed on, too, as they may have numbers. */
  readonly isNumbered?: boolean;
  readonly metrics: RemoteMetrics;
  /** With `shards`. */
  readonly sharding?: ServerSharding | undefined;
  /** If there are several connections. */
  readonly pace?: ConnectPace | undefined;
  readonly context: Pick<ComponentContext, 'path' | 'clock' | 'logger'> & {
    readonly gateway: Pick<GatewayPorts, 'dial' | 'tracing'>;
  };
}

/** Where a connection is dialled; `request` makes the request of its handshake. */
export function targetOf(settings: RemoteSettings, request: RemoteTarget['request']): RemoteTarget {
  const { auth, proxy, tls, compression, max_frame } = settings;
  return { request, auth, proxy, tls, compression, maxFrame: max_frame };
}
