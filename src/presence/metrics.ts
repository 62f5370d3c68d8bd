import type { Counter, Stats } from '../telemetry/stats.ts';

export interface PresenceMetrics {
  readonly declaredDead: Counter;
  readonly fenced: Counter;
  /** Removes the gauges. */
  readonly remove: () => void;
}

export interface PresenceGauges {
  readonly members: () => number;
  readonly gateways: () => number;
}

export function presenceMetrics(stats: Stats, endpoint: string, gauges: PresenceGauges): PresenceMetrics {
  const labels = { endpoint };
  const removals = [
    stats.gauge('tidegate_presence_members', labels, gauges.members),
    stats.gauge('tidegate_presence_gateways', labels, gauges.gateways),
  ];
  return {
    declaredDead: stats.counter('tidegate_presence_declared_dead_total', labels),
    fenced: stats.counter('tidegate_presence_fenced_total', labels),
    remove: () => {
      for (const remove of removals) remove();
    },
  };
}
