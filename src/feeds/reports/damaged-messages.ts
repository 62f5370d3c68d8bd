import type { ComponentContext } from '../../sdk/context.ts';
import type { RemoteMetrics } from './metrics.ts';
import { RepeatedWarning } from './repeated-warning.ts';

/** Counts messages of one server that cannot be decompressed, and warns of them. */
export class DamagedMessages {
  private readonly metrics: RemoteMetrics;
  private readonly warning: RepeatedWarning;
  private why = '';

  /** `name`: the URL as it may be shown. */
  constructor(name: string, metrics: RemoteMetrics, context: Pick<ComponentContext, 'clock' | 'logger'>) {
    this.metrics = metrics;
    this.warning = new RepeatedWarning({
      context,
      fields: { url: name },
      counted: 'dropped',
      first: () => `dropped a message of ${name}: it ${this.why}; check decompress`,
      more: (count, within) => `dropped ${count} more messages of ${name} within ${within}: the last one ${this.why}`,
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
