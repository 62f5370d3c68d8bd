import type { Observable } from 'rxjs';

/** Whether what a task reads may be written: only the one who holds the task for sure writes for it. */
export interface Lease {
  readonly isHeld: boolean;
  /** Emits whenever it may have changed. */
  readonly changed$: Observable<void>;
}
