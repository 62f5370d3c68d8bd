import type { MetricName } from './catalog.ts';

export type Labels = Readonly<Record<string, string>>;

/** A plain number that the hot path adds to; instruments read it when someone asks. */
export interface Counter {
  value: number;
}

export interface HistogramRecorder {
  /** In the unit of the metric's name: seconds, bytes. Once a batch, never once a message. */
  record(value: number): void;
}

/** Keeps every figure of the gateway, by the names of the catalogue. */
export interface Stats {
  /** The same counter for the same name and labels. */
  counter(name: MetricName, labels?: Labels): Counter;
  /** `read` is called at scrape time. The returned function removes it. */
  gauge(name: MetricName, labels: Labels, read: () => number): () => void;
  histogram(name: MetricName, labels?: Labels): HistogramRecorder;
}
