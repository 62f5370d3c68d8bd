import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Logger } from './logger.ts';
import type { Stats } from './stats.ts';
import type { Tracing } from './tracing.ts';

/** What each part of a gateway may use. A part takes it as a whole, beside its own section of the configuration. */
export interface PartContext {
  readonly log: Log;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stats: Stats;
  readonly tracing: Tracing;
}
