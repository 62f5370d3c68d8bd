import type { Observable, Subscription } from 'rxjs';
import type { Batch } from '../../core/batch.ts';
import type { Sink } from '../../core/component.ts';
import { TidegateError } from '../../core/errors.ts';
import type { Lease } from './lease.ts';

/**
 * A sink that is written to only while the lease is held. What comes meanwhile waits here, so that the pipeline's gate
 * shuts and its source is paused; when the lease is back it goes on, and when the task is dropped nothing was written.
 */
export class LeasedSink implements Sink {
  readonly idle$: Observable<void>;
  readonly failed$?: Observable<TidegateError>;
  private readonly sink: Sink;
  private readonly lease: Lease;
  private readonly wrote: (batch: Batch) => void;
  private waiting: Batch[] = [];
  private following: Subscription | undefined;

  /** `wrote` is told of each batch that goes on. */
  constructor(sink: Sink, lease: Lease, wrote: (batch: Batch) => void) {
    this.sink = sink;
    this.lease = lease;
    this.wrote = wrote;
    this.idle$ = sink.idle$;
    if (sink.failed$ !== undefined) this.failed$ = sink.failed$;
  }

  get idle(): boolean {
    return this.sink.idle && this.waiting.length === 0;
  }

  async open(): Promise<void> {
    this.following = this.lease.changed$.subscribe(() => this.goOn());
    await this.sink.open();
  }

  write(batch: Batch): void {
    if (this.waiting.length > 0 || !this.lease.isHeld) {
      this.waiting.push(batch);
      return;
    }
    this.wrote(batch);
    this.sink.write(batch);
  }

  async close(): Promise<void> {
    this.following?.unsubscribe();
    const reason = new TidegateError('TG_STOPPING', 'the task ended before it was sure that it is the only one');
    for (const batch of this.waiting.splice(0)) batch.nack(reason);
    await this.sink.close();
  }

  private goOn(): void {
    if (!this.lease.isHeld) return;
    for (const batch of this.waiting.splice(0)) this.write(batch);
  }
}
