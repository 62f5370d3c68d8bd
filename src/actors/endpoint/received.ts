import { Observable, Subject } from 'rxjs';
import { Batch } from '../../core/batch.ts';
import { TidegateError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';

/** What clients of an endpoint have sent, as batches for the pipelines that read it; refused where none does. */
export class Received {
  readonly batches$: Observable<Batch>;
  private readonly endpoint: string;
  private readonly isOutputOnly: boolean;
  private readonly batches = new Subject<Batch>();
  /** What came between two pipelines, for the second one; undefined while none is about to come. */
  private kept: Batch[] | undefined;

  constructor(endpoint: string, isOutputOnly: boolean) {
    this.endpoint = endpoint;
    this.isOutputOnly = isOutputOnly;
    this.batches$ = new Observable((subscriber) => {
      const subscription = this.batches.subscribe(subscriber);
      // Once the subscriber is ready for it.
      if (this.kept !== undefined) queueMicrotask(() => this.handOn());
      return subscription;
    });
  }

  get isRead(): boolean {
    return this.batches.observed;
  }

  passOn(messages: readonly Message[]): void {
    const batch = new Batch(messages);
    if (this.isOutputOnly) batch.nack(new TidegateError('TG_NOT_ALLOWED', this.notTaken));
    else if (this.batches.observed) this.batches.next(batch);
    else if (this.kept !== undefined) this.kept.push(batch);
    else batch.nack(this.notRead);
  }

  /**
   * The pipeline that reads is replaced: what the last turn brought while the first one ended waits for the second. It is
   * little, as the endpoint is congested meanwhile.
   */
  keep(): void {
    this.kept ??= [];
  }

  /** No pipeline comes. */
  refuseKept(): void {
    const { kept = [] } = this;
    this.kept = undefined;
    for (const batch of kept) batch.nack(this.notRead);
  }

  private handOn(): void {
    if (!this.batches.observed) return;
    const { kept = [] } = this;
    this.kept = undefined;
    for (const batch of kept) this.batches.next(batch);
  }

  private get notRead(): TidegateError {
    return new TidegateError('TG_FLOW_FAILED', `no pipeline reads the endpoint ${this.endpoint} at the moment`);
  }

  private get notTaken(): string {
    return `the endpoint ${this.endpoint} takes no messages of clients`;
  }
}
