import type { Counter, Stats } from '../../telemetry/stats.ts';

/** Of what the log is read again for. */
export interface RecoveryMetrics {
  /** Readers that were opened. */
  readonly passes: Counter;
  /** Records that they have read. */
  readonly records: Counter;
}

export function recoveryMetrics(stats: Stats, endpoint: string): RecoveryMetrics {
  return {
    passes: stats.counter('tidegate_channel_recovery_passes_total', { endpoint }),
    records: stats.counter('tidegate_channel_recovery_records_total', { endpoint }),
  };
}
