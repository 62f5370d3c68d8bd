import type { Observable, Subscription } from 'rxjs';
import { Batch } from '../core/batch.ts';
import type { Sink } from '../core/component.ts';
import { TidegateError } from '../core/errors.ts';
import type { Message } from '../core/message.ts';
import type { WriteLease } from './write-lease.ts';

/**
 * A sink that is written to only while the lease is held. What comes meanwhile waits here, so that the pipeline's gate
 * shuts and its source is paused; when the lease is back it goes on, and when the pipeline is closed nothing was written.
 */
export class LeasedSink implements Sink {
  readonly idle$: Observable<void>;
  readonly failed$?: Observable<TidegateError>;
  private readonly sink: Sink;
  private readonly lease: WriteLease;
  private readonly wrote: (batch: Batch) => void;
  private waiting: Batch[] = [];
  private isGoingOn = false;
  private following: Subscription | undefined;

  /** `wrote` is called for each batch that goes on. */
  constructor(sink: Sink, lease: WriteLease, wrote: (batch: Batch) => void = () => {}) {
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
    if (this.waiting.length > 0 || !this.lease.isHeld) this.waiting.push(batch);
    else this.pass(batch);
  }

  async close(): Promise<void> {
    this.following?.unsubscribe();
    const reason = new TidegateError('TG_STOPPING', 'the pipeline ended before this gateway held its lease again');
    for (const batch of this.waiting.splice(0)) batch.nack(reason);
    await this.sink.close();
  }

  /** Writes the batches that wait, or refuses messages that may never be written, which is known without the lease, too. */
  private goOn(): void {
    if (this.isGoingOn) return;
    this.isGoingOn = true;
    const { waiting } = this;
    let passed = 0;
    // Nothing is taken out of the list before the end: a batch that settles may bring the next one at once, which lands behind.
    for (; passed < waiting.length && this.lease.isHeld; passed += 1) this.pass(waiting[passed] as Batch);
    waiting.splice(0, passed);
    for (let at = 0; at < waiting.length; at += 1) waiting[at] = this.allowed(waiting[at] as Batch);
    this.waiting = waiting.filter(({ length }) => length > 0);
    this.isGoingOn = false;
  }

  private pass(batch: Batch): void {
    const allowed = this.allowed(batch);
    if (allowed.length === 0) return;
    this.wrote(allowed);
    this.sink.write(allowed);
  }

  /** Nacks what may never be written; the same batch where that is nothing. */
  private allowed(batch: Batch): Batch {
    const { lease } = this;
    if (lease.refusal === undefined) return batch;
    let isWhole = true;
    const kept: Message[] = [];
    for (const message of batch.messages) {
      const refusal = lease.refusal(message);
      if (refusal === undefined) kept.push(message);
      else {
        isWhole = false;
        message.nack(refusal);
      }
    }
    return isWhole ? batch : new Batch(kept);
  }
}
