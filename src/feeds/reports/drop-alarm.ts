import type { ComponentContext } from '../../sdk/context.ts';
import { RepeatedWarning } from './repeated-warning.ts';

/** Milliseconds between two warnings. */
const INTERVAL = 10_000;

/** Warns that messages are dropped because the pipeline is congested. */
export function dropAlarm(
  overflow: string,
  context: Pick<ComponentContext, 'path' | 'clock' | 'logger'>,
): RepeatedWarning {
  const { path } = context;
  return new RepeatedWarning({
    context,
    interval: INTERVAL,
    fields: { overflow },
    counted: 'dropped',
    first: () => `${path}: the pipeline is congested and the buffer is full, so messages are dropped (${overflow})`,
    more: (count, within) => `${path}: ${count} more messages were dropped (${overflow}) within ${within}`,
  });
}
