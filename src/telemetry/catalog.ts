export const METRICS = {
  tidegate_log_up: { kind: 'gauge', help: 'Whether the log can be reached (1) or not (0).', labels: ['driver'] },
} as const;
export type MetricName = keyof typeof METRICS;
