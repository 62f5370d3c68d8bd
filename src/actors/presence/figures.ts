import type { Counter, Stats } from '../../telemetry/stats.ts';

export interface PresenceFigures {
  readonly declared: Counter;
  readonly fenced: Counter;
  readonly remove: () => void;
}

export interface PresenceGauges {
  readonly members: () => number;
  readonly gateways: () => number;
}

export function presenceFigures(stats: Stats, endpoint: string, gauges: PresenceGauges): PresenceFigures {
  const labels = { endpoint };
  const removals = [
    stats.gauge('tidegate_presence_members', labels, gauges.members),
    stats.gauge('tidegate_presence_gateways', labels, gauges.gateways),
  ];
  return {
    declared: stats.counter('tidegate_presence_declared_dead_total', labels),
    fenced: stats.counter('tidegate_presence_fenced_total', labels),
    remove: () => {
      for (const remove of removals) remove();
    },
  };
}
