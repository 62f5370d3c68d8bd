import { type Observable, Subject } from 'rxjs';
import { Batch } from '../../core/batch.ts';
import { TidegateError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';

/** What clients of an endpoint have sent, as batches for the pipelines that read it; refused where none does. */
export class Received {
  readonly batches$: Observable<Batch>;
  private readonly endpoint: string;
  private readonly isOutputOnly: boolean;
  private readonly batches = new Subject<Batch>();

  constructor(endpoint: string, isOutputOnly: boolean) {
    this.endpoint = endpoint;
    this.isOutputOnly = isOutputOnly;
    this.batches$ = this.batches.asObservable();
  }

  passOn(messages: readonly Message[]): void {
    const batch = new Batch(messages);
    if (this.isOutputOnly) batch.nack(new TidegateError('TG_NOT_ALLOWED', this.notTaken));
    else if (this.batches.observed) this.batches.next(batch);
    else
      batch.nack(new TidegateError('TG_FLOW_FAILED', `no pipeline reads the endpoint ${this.endpoint} at the moment`));
  }

  private get notTaken(): string {
    return `the endpoint ${this.endpoint} takes no messages of clients`;
  }
}
