import type { Clock } from '../../core/clock.ts';
import type { Connect } from '../../core/remote.ts';
import type { TopicPort } from '../../sdk/context.ts';
import type { FeedSettings } from '../../sdk/remote.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Stats } from '../../telemetry/stats.ts';
import type { Tracing } from '../../telemetry/tracing.ts';
import type { CursorStore } from './cursor-store.ts';

export interface FeedOptions {
  /** Where the feed stands in the configuration: its name in metrics and in the store of cursors. */
  readonly path: string;
  readonly settings: FeedSettings;
  readonly connect: Connect;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stats: Stats;
  readonly tracing: Tracing;
  readonly topic: (name: string) => TopicPort;
  /** The store behind a topic, or behind the usual one. Asked only where positions are remembered. */
  readonly cursors: (topic: string | undefined) => CursorStore;
  /** Told whenever a connection is there (undefined), or is not, for this reason. `url` as it may be shown. */
  readonly fares?: ((url: string, trouble: string | undefined) => void) | undefined;
}
