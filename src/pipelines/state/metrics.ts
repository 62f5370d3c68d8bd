import type { PartitionOperator } from '../../core/stateful-operator.ts';
import type { Counter, Stats } from '../../telemetry/stats.ts';
import { NO_TIME } from './progress.ts';

/** What there is to see of one partition. */
interface Watched {
  readonly size: PartitionOperator['size'];
  readonly watermark: number;
}

/** What an operator keeps and gives out, by its pipeline and place. */
export class StageMetrics {
  private readonly stats: Stats;
  private readonly labels: { readonly pipeline: string; readonly operator: string };
  private readonly lateRecords: Counter;
  private readonly resultsOut: Counter;

  constructor(stats: Stats, pipeline: string, operator: string) {
    this.stats = stats;
    this.labels = { pipeline, operator };
    this.lateRecords = stats.counter('tidegate_operator_late_total', this.labels);
    this.resultsOut = stats.counter('tidegate_operator_results_total', this.labels);
  }

  /** `now`: milliseconds since the epoch. */
  watch(partitions: ReadonlyMap<string, Watched>, now: () => number): void {
    const { stats, labels } = this;
    const sum = (of: (size: Watched['size']) => number) => () => {
      let total = 0;
      for (const { size } of partitions.values()) total += of(size);
      return total;
    };
    stats.gauge(
      'tidegate_operator_state_keys',
      labels,
      sum(({ keys }) => keys),
    );
    stats.gauge(
      'tidegate_operator_state_bytes',
      labels,
      sum(({ bytes }) => bytes),
    );
    // One that has no windows has no such gauge.
    stats.gauge(
      'tidegate_operator_open_windows',
      labels,
      sum(({ windows = Number.NaN }) => windows),
    );
    stats.gauge('tidegate_operator_watermark_lag_seconds', labels, () => {
      let slowest = Number.POSITIVE_INFINITY;
      for (const { watermark } of partitions.values()) if (watermark > NO_TIME) slowest = Math.min(slowest, watermark);
      // Before the first record there is no watermark to be behind.
      return slowest === Number.POSITIVE_INFINITY ? Number.NaN : Math.max(0, now() - slowest) / 1_000;
    });
  }

  late(): void {
    this.lateRecords.value += 1;
  }

  gave(results: number): void {
    this.resultsOut.value += results;
  }
}
