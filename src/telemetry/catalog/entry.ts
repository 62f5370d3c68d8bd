/** What the catalogue says of a metric, and what all its parts share. */
export interface MetricEntry {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** Names of the labels; every one of them must be given, and no other. */
  readonly labels: readonly string[];
  /** Histograms only: upper bounds in the metric's own unit; one more bucket holds what is above. */
  readonly buckets?: readonly number[];
}

/** A part of the catalogue: the metrics of one subject, by their names. */
export type MetricEntries = Readonly<Record<string, MetricEntry>>;

/** Buckets of all metrics that measure how long a message, a handshake or a request takes. */
export const LATENCY_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;
