import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { Clock } from '../core/clock.ts';
import type { Logger } from './logger.ts';

type Done = Parameters<SpanExporter['export']>[1];

const FAILED = 1;

export interface WatchOptions {
  /** Makes the exporter, and a fresh one after it did not answer: requests that hang would pile up otherwise. */
  readonly create: () => SpanExporter;
  /** For the log. */
  readonly endpoint: string;
  /** Milliseconds until an export counts as failed. */
  readonly timeout: number;
  /** Milliseconds for which spans are dropped at once after a failure. */
  readonly pause: number;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Keeps a dead collector from costing anything but one warning: it is tried now and then, and everything else dropped. */
export class WatchedExporter implements SpanExporter {
  private readonly options: WatchOptions;
  private exporter: SpanExporter;
  private failedAt: number | undefined;
  private lost = 0;

  constructor(options: WatchOptions) {
    this.options = options;
    this.exporter = options.create();
  }

  export(spans: ReadableSpan[], done: Done): void {
    const { clock, timeout, pause } = this.options;
    if (this.failedAt !== undefined && clock.elapsed() - this.failedAt < pause) {
      this.lost += spans.length;
      done({ code: FAILED, error: new Error('the collector was away a moment ago') });
      return;
    }
    let open = true;
    const finish: Done = (result) => {
      if (!open) return;
      open = false;
      cancel();
      if (result.code === FAILED) this.failed(spans.length, result.error);
      else this.succeeded();
      done(result);
    };
    const cancel = clock.after(timeout, () => {
      this.replace();
      finish({ code: FAILED, error: new Error(`no answer within ${timeout} ms`) });
    });
    this.exporter.export(spans, finish);
  }

  async forceFlush(): Promise<void> {
    await this.exporter.forceFlush?.();
  }

  shutdown(): Promise<void> {
    return this.exporter.shutdown();
  }

  private replace(): void {
    this.exporter.shutdown().catch((error: unknown) => {
      this.options.logger.debug({ error }, 'the exporter that hangs could not be closed');
    });
    this.exporter = this.options.create();
  }

  private failed(spans: number, error: Error | undefined): void {
    const { clock, logger, endpoint } = this.options;
    this.lost += spans;
    const isFirst = this.failedAt === undefined;
    this.failedAt = clock.elapsed();
    if (!isFirst) return;
    logger.warn(
      { endpoint, reason: error?.message },
      'traces do not reach the collector and are dropped until they do; messages are not affected',
    );
  }

  private succeeded(): void {
    if (this.failedAt === undefined) return;
    this.options.logger.info({ endpoint: this.options.endpoint, lost: this.lost }, 'traces reach the collector again');
    this.failedAt = undefined;
    this.lost = 0;
  }
}
