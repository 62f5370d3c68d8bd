import type { Coordinators } from './group/coordinators.ts';
import type { Store } from './records/store.ts';
import type { PartitionState } from './records/topic-state.ts';

/** Where a log keeps its records: in a directory, or in the memory of a test. */
export interface Storage {
  /** The groups that read it. */
  readonly coordinators: Coordinators;
  /** Rejects with a `stop` error where it cannot be opened. */
  open(): Promise<void>;
  close(): Promise<void>;
  /** What is stored. Throws TG_LOG_UNAVAILABLE while it is not open. */
  store(): Store;
  /** The same for questions that are not repeated by themselves. Throws TG_LOG_UNAVAILABLE also while it cannot be reached. */
  reach(): Store;
  /** A partition got records. */
  grew(partition: PartitionState): void;
}
