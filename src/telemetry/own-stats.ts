import type { MetricName } from './catalog.ts';
import type { Counter, HistogramRecorder, Labels, Stats } from './stats.ts';

/** Metrics of something that comes and goes: when it ends, all of them are removed. */
export class OwnStats implements Stats {
  private readonly stats: Stats;
  /** How each is removed, by name and labels. */
  private readonly removals = new Map<string, () => void>();
  private isOver = false;

  constructor(stats: Stats) {
    this.stats = stats;
  }

  counter(name: MetricName, labels: Labels = {}): Counter {
    if (this.isOver) return { value: 0 };
    this.removals.set(keyOf(name, labels), () => this.stats.forget(name, labels));
    return this.stats.counter(name, labels);
  }

  gauge(name: MetricName, labels: Labels, read: () => number): () => void {
    if (this.isOver) return () => {};
    const remove = this.stats.gauge(name, labels, read);
    this.removals.set(keyOf(name, labels), remove);
    return remove;
  }

  observableCounter(name: MetricName, labels: Labels, read: () => number): () => void {
    if (this.isOver) return () => {};
    const remove = this.stats.observableCounter(name, labels, read);
    this.removals.set(keyOf(name, labels), remove);
    return remove;
  }

  histogram(name: MetricName, labels: Labels = {}): HistogramRecorder {
    if (this.isOver) return { record: () => {} };
    this.removals.set(keyOf(name, labels), () => this.stats.forget(name, labels));
    return this.stats.histogram(name, labels);
  }

  forget(name: MetricName, labels: Labels = {}): void {
    this.removals.delete(keyOf(name, labels));
    this.stats.forget(name, labels);
  }

  /** Removes everything that was made here; what is still counted goes nowhere. */
  end(): void {
    this.isOver = true;
    for (const remove of this.removals.values()) remove();
    this.removals.clear();
  }
}

function keyOf(name: MetricName, labels: Labels): string {
  return `${name} ${JSON.stringify(labels)}`;
}
