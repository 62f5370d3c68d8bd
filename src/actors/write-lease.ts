import type { Observable } from 'rxjs';
import type { TidegateError } from '../core/errors.ts';
import type { Message } from '../core/message.ts';

/** Whether what a pipeline has processed may be written: only the holder of the lease writes. */
export interface WriteLease {
  readonly isHeld: boolean;
  /** Emits when the lease is held again, and when a waiting message may have become one that is refused. */
  readonly changed$: Observable<void>;
  /** Why this message may never be written, also while the lease is held; undefined where it may. */
  refusal?(message: Message): TidegateError | undefined;
}
