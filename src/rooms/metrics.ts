import { type PresenceGauges, type PresenceMetrics, presenceMetrics } from '../presence/metrics.ts';
import type { Counter, Stats } from '../telemetry/stats.ts';

export interface RoomMetrics extends PresenceMetrics {
  /** Messages of members that came too late. */
  readonly tooLate: Counter;
}

export function roomMetrics(stats: Stats, endpoint: string, gauges: PresenceGauges): RoomMetrics {
  const tooLate = stats.counter('tidegate_presence_late_records_total', { endpoint });
  return { ...presenceMetrics(stats, endpoint, gauges), tooLate };
}
