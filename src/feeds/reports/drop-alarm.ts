import { formatDuration } from '../../core/units.ts';
import type { ComponentContext } from '../../sdk/context.ts';
import { RepeatedWarning } from './repeated-warning.ts';

/** Milliseconds between two warnings. */
const INTERVAL = 10_000;

/** Warns that messages are dropped because the pipeline is congested. */
export function dropAlarm(
  overflow: string,
  { path, clock, logger }: Pick<ComponentContext, 'path' | 'clock' | 'logger'>,
): RepeatedWarning {
  return new RepeatedWarning({
    interval: INTERVAL,
    clock,
    first: () =>
      logger.warn(
        { overflow },
        `${path}: the pipeline is congested and the buffer is full, so messages are dropped (${overflow})`,
      ),
    more: (dropped) =>
      logger.warn(
        { overflow, dropped },
        `${path}: ${dropped} more messages were dropped (${overflow}) within ${formatDuration(INTERVAL)}`,
      ),
  });
}
