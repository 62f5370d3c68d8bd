import type { Clock } from '../../core/clock.ts';
import { formatDuration } from '../../core/units.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { RepeatedWarning } from './repeated-warning.ts';

/** Milliseconds between two lines. */
const INTERVAL = 10_000;

export interface DropAlarmOptions {
  readonly path: string;
  readonly overflow: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Says that messages are dropped because the pipeline holds. */
export function dropAlarm({ path, overflow, clock, logger }: DropAlarmOptions): RepeatedWarning {
  return new RepeatedWarning({
    interval: INTERVAL,
    clock,
    first: () =>
      logger.warn(
        { overflow },
        `${path}: the pipeline holds and the buffer is full, so messages are dropped (${overflow})`,
      ),
    more: (dropped) =>
      logger.warn(
        { overflow, dropped },
        `${path}: ${dropped} more messages were dropped (${overflow}) within ${formatDuration(INTERVAL)}`,
      ),
  });
}
