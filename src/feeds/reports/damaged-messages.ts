import { formatDuration } from '../../core/units.ts';
import type { ComponentContext } from '../../sdk/context.ts';
import type { RemoteMetrics } from './metrics.ts';
import { RepeatedWarning } from './repeated-warning.ts';

/** Milliseconds between two warnings. */
const INTERVAL = 60_000;

/** Counts messages of one server that cannot be decompressed, and warns of them. */
export class DamagedMessages {
  private readonly metrics: RemoteMetrics;
  private readonly warning: RepeatedWarning;
  private why = '';

  /** `name`: the URL as it may be shown. */
  constructor(name: string, metrics: RemoteMetrics, { clock, logger }: Pick<ComponentContext, 'clock' | 'logger'>) {
    this.metrics = metrics;
    this.warning = new RepeatedWarning({
      interval: INTERVAL,
      clock,
      first: () => logger.warn({ url: name }, `dropped a message of ${name}: it ${this.why}; check decompress`),
      more: (dropped) =>
        logger.warn(
          { url: name, dropped },
          `dropped ${dropped} more messages of ${name} within ${formatDuration(INTERVAL)}: the last one ${this.why}`,
        ),
    });
  }

  dropped(data: Buffer, why: string): void {
    this.metrics.received.value += 1;
    this.metrics.receivedBytes.value += data.length;
    this.metrics.dropped('compressed');
    this.why = why;
    this.warning.happened();
  }

  stop(): void {
    this.warning.stop();
  }
}
