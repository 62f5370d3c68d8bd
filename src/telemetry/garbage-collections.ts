import { constants, PerformanceObserver } from 'node:perf_hooks';
import { Histogram, type HistogramPoint } from './stats.ts';

/** As prom-client has them, in seconds. */
const BOUNDS = [0.001, 0.01, 0.1, 1, 2, 5];

const KINDS = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
]);

/** An entry of type gc (https://nodejs.org/api/perf_hooks.html#garbage-collection-gc-details). */
interface Collection {
  /** Milliseconds. */
  readonly duration: number;
  readonly detail: { readonly kind: number };
}

/** How long garbage collections take. Node reports several at once, some time later. */
export class GarbageCollections {
  private readonly byKind = new Map([...KINDS.values()].map((kind) => [kind, new Histogram(BOUNDS)]));
  private readonly observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) this.add(entry as unknown as Collection);
  });

  constructor() {
    this.observer.observe({ entryTypes: ['gc'] });
  }

  points(): HistogramPoint[] {
    return [...this.byKind].map(([kind, histogram]) => histogram.point({ kind }));
  }

  stop(): void {
    this.observer.disconnect();
  }

  private add({ duration, detail }: Collection): void {
    const kind = KINDS.get(detail.kind);
    if (kind !== undefined) this.byKind.get(kind)?.record(duration / 1_000);
  }
}
