import { defer, type Observable, Subject } from 'rxjs';
import type { Batch } from '../core/batch.ts';

/**
 * Batches of one reader after another under one name: an error ends the subscription of that moment, and the next to
 * subscribe hears the next reader.
 */
export class BatchRelay {
  readonly batches$: Observable<Batch>;
  private current = new Subject<Batch>();

  constructor() {
    this.batches$ = defer(() => this.current);
  }

  next(batch: Batch): void {
    this.current.next(batch);
  }

  error(error: unknown): void {
    const broken = this.current;
    this.current = new Subject();
    broken.error(error);
  }
}
