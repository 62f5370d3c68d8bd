import type { Counter, HistogramRecorder, Stats } from '../telemetry/stats.ts';

/** Of so many messages one is timed: two looks at the clock for each would cost more than the fastest processors do. */
const TIMED_EVERY = 64;

/** The figures of one processor, looked up once. */
export class ProcessorMetrics {
  private readonly received: Counter;
  private readonly sent: Counter;
  private readonly filtered: Counter;
  private readonly failed: Counter;
  private readonly seconds: HistogramRecorder;

  constructor(stats: Stats, pipeline: string, processor: string) {
    const labels = { pipeline, processor };
    this.received = stats.counter('tidegate_processor_received_total', labels);
    this.sent = stats.counter('tidegate_processor_sent_total', labels);
    this.filtered = stats.counter('tidegate_processor_filtered_total', labels);
    this.failed = stats.counter('tidegate_processor_failed_total', labels);
    this.seconds = stats.histogram('tidegate_processor_seconds', labels);
  }

  /** A message came in. Whether it is to be timed: the first one is, and from then on every 64th. */
  in(): boolean {
    this.received.value += 1;
    return this.received.value % TIMED_EVERY === 1;
  }

  /** Messages came in, and none of them is timed. */
  receive(messages: number): void {
    this.received.value += messages;
  }

  out(messages: number): void {
    this.sent.value += messages;
  }

  filter(): void {
    this.filtered.value += 1;
  }

  fail(): void {
    this.failed.value += 1;
  }

  took(milliseconds: number): void {
    this.seconds.record(milliseconds / 1_000);
  }
}
