import { type MetricName, metricOf } from './catalog.ts';

export type Labels = Readonly<Record<string, string>>;

/** A plain number that the hot path adds to; instruments read it when someone asks. */
export interface Counter {
  value: number;
}

export interface HistogramRecorder {
  /**
   * In the unit of the metric's name: seconds, bytes. Once a batch, never once a message. `traceId`: of a recorded trace
   * in which the value can be seen; the newest one of each bucket is kept as its exemplar.
   */
  record(value: number, traceId?: string): void;
}

/**
 * Keeps every metric of the gateway, by the names of the catalogue. Each method throws a TypeError when the metric is
 * of another kind or the labels are not those of the catalogue.
 */
export interface Stats {
  /** The same counter for the same name and labels. */
  counter(name: MetricName, labels?: Labels): Counter;
  /** `read` is called at scrape time; a later one for the same labels takes over. The returned function removes it. */
  gauge(name: MetricName, labels: Labels, read: () => number): () => void;
  /** A counter that is worked out at scrape time, as a gauge is; `read` never gives less than before. */
  observableCounter(name: MetricName, labels: Labels, read: () => number): () => void;
  /** The same recorder for the same name and labels. */
  histogram(name: MetricName, labels?: Labels): HistogramRecorder;
  /** Removes a counter or a histogram; what is counted by a reference to it from then on is lost. */
  forget(name: MetricName, labels?: Labels): void;
}

export interface NumberPoint {
  readonly labels: Labels;
  readonly value: number;
}

/** A value that was counted in a bucket, and the trace in which it can be seen. */
export interface Exemplar {
  readonly traceId: string;
  readonly value: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface HistogramPoint {
  readonly labels: Labels;
  /** Upper bounds of the buckets; `counts` has one more, for what is above the last. Not cumulative. */
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
  readonly count: number;
  /** One for each of `counts`, where a trace was ever given. */
  readonly exemplars?: readonly (Exemplar | undefined)[];
}

/** All points of one metric at one moment. */
export type MetricSnapshot =
  | { readonly name: MetricName; readonly kind: 'counter' | 'gauge'; readonly points: readonly NumberPoint[] }
  | { readonly name: MetricName; readonly kind: 'histogram'; readonly points: readonly HistogramPoint[] };

/** The side of the metrics that exporters use. */
export interface StatsReader {
  /** Metrics without a point are left out, as are gauges that throw or give no finite number. */
  snapshot(): MetricSnapshot[];
}

interface Labelled<T> {
  readonly labels: Labels;
  readonly what: T;
}

type Family<T> = Map<string, Labelled<T>>;

export function createStats(): Stats & StatsReader {
  const counters = new Map<MetricName, Family<Counter>>();
  const gauges = new Map<MetricName, Family<() => number>>();
  const observables = new Map<MetricName, Family<() => number>>();
  const histograms = new Map<MetricName, Family<Histogram>>();

  return {
    counter(name, labels = {}) {
      return findOrAdd(counters, 'counter', name, labels, () => ({ value: 0 }));
    },
    histogram(name, labels = {}) {
      return findOrAdd(histograms, 'histogram', name, labels, () => new Histogram(metricOf(name).buckets ?? []));
    },
    gauge(name, labels, read) {
      return addReading(familyOf(gauges, name), keyOf('gauge', name, labels), labels, read);
    },
    observableCounter(name, labels, read) {
      return addReading(familyOf(observables, name), keyOf('counter', name, labels), labels, read);
    },
    forget(name, labels = {}) {
      const { kind } = metricOf(name);
      const family = kind === 'counter' ? counters.get(name) : histograms.get(name);
      family?.delete(keyOf(kind, name, labels));
    },
    snapshot() {
      const metrics: MetricSnapshot[] = [];
      for (const [name, family] of counters) {
        const points = [...family.values()].map(({ labels, what }) => ({ labels, value: what.value }));
        metrics.push({ name, kind: 'counter', points });
      }
      for (const [name, family] of observables) metrics.push({ name, kind: 'counter', points: readAll(family) });
      for (const [name, family] of gauges) metrics.push({ name, kind: 'gauge', points: readAll(family) });
      for (const [name, family] of histograms) {
        const points = [...family.values()].map(({ labels, what }) => what.point(labels));
        metrics.push({ name, kind: 'histogram', points });
      }
      return metrics.filter((metric) => metric.points.length > 0);
    },
  };
}

/** Counts values by bucket. */
export class Histogram implements HistogramRecorder {
  private readonly bounds: readonly number[];
  private readonly counts: number[];
  private sum = 0;
  private count = 0;
  private exemplars: (Exemplar | undefined)[] | undefined;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  record(value: number, traceId?: string): void {
    let bucket = 0;
    while (bucket < this.bounds.length && value > (this.bounds[bucket] as number)) bucket += 1;
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
    this.sum += value;
    this.count += 1;
    if (traceId === undefined) return;
    this.exemplars ??= new Array<Exemplar | undefined>(this.counts.length).fill(undefined);
    this.exemplars[bucket] = { traceId, value, at: Date.now() };
  }

  point(labels: Labels): HistogramPoint {
    const point = { labels, bounds: this.bounds, counts: [...this.counts], sum: this.sum, count: this.count };
    return this.exemplars === undefined ? point : { ...point, exemplars: [...this.exemplars] };
  }
}

function findOrAdd<T>(
  families: Map<MetricName, Family<T>>,
  kind: string,
  name: MetricName,
  labels: Labels,
  make: () => T,
): T {
  const key = keyOf(kind, name, labels);
  const family = familyOf(families, name);
  const found = family.get(key);
  if (found !== undefined) return found.what;
  const what = make();
  family.set(key, { labels, what });
  return what;
}

function familyOf<T>(families: Map<MetricName, Family<T>>, name: MetricName): Family<T> {
  const found = families.get(name);
  if (found !== undefined) return found;
  const family: Family<T> = new Map();
  families.set(name, family);
  return family;
}

/** The values of the labels in the order of the catalogue. */
function keyOf(kind: string, name: MetricName, labels: Labels): string {
  const metric = metricOf(name);
  if (metric?.kind !== kind) throw new TypeError(`${name} is no ${kind} of the catalogue`);
  let key = '';
  for (const label of metric.labels) {
    const value = labels[label];
    if (value === undefined) throw new TypeError(`${name} needs the label ${label}`);
    key += `${value.length}:${value}`;
  }
  const given = Object.keys(labels);
  if (given.length > metric.labels.length) {
    throw new TypeError(`${name} has the labels ${metric.labels.join(', ') || '(none)'}, not ${given.join(', ')}`);
  }
  return key;
}

function addReading(family: Family<() => number>, key: string, labels: Labels, read: () => number): () => void {
  family.set(key, { labels, what: read });
  return () => {
    if (family.get(key)?.what === read) family.delete(key);
  };
}

function readAll(family: Family<() => number>): NumberPoint[] {
  const points: NumberPoint[] = [];
  for (const { labels, what: read } of family.values()) {
    try {
      const value = read();
      if (Number.isFinite(value)) points.push({ labels, value });
    } catch {
      // A part that is closing must not cost the operator all other metrics.
    }
  }
  return points;
}
