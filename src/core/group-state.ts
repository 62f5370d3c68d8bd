import type { TopicPartition } from './topic-partition.ts';

/**
 * What happened to state in front of the record of an offset, and would not happen by reading again: the clock moved the
 * watermark, or all that was kept was given out early.
 */
export type Mark =
  | { readonly at: number; readonly watermark: number }
  /** `isStored`: the log has what was given out. */
  | { readonly at: number; readonly isStored: boolean };

/** What a commit keeps beside its offset, so that the next owner of the partition can rebuild the state of its operators. */
export interface StateNote {
  /** Offset at which reading starts again, at most the committed one. */
  readonly replay: number;
  /** Watermark just before that record, in milliseconds since the epoch. */
  readonly watermark: number;
  /** Everything that ended at this time or before it is in the log already. */
  readonly through: number;
  /** From `replay` on, in the order in which they happened; left out where there is none. At most 64. */
  readonly marks?: readonly Mark[];
}

/** The user of a group member that keeps state which is rebuilt by reading again. */
export interface GroupState {
  /** Records of several topics meet by their partition: see the option of the group. */
  readonly coPartitioned?: boolean;
  /**
   * A partition is assigned: `committed` is the offset that the group goes on from, with what was committed beside it.
   * Returns the offset to start at: records in front of the committed one are replayed, and settle nothing.
   */
  assigned(partition: TopicPartition, committed: number, note: StateNote | undefined): number;
  /**
   * How much to commit of what is settled up to an offset: what comes of records behind that is not in the log yet.
   * undefined: nothing yet. Asked only when nothing of the partition is left to be replayed. Left out: all of it. What is
   * said of several partitions at a time has to be committed together or not at all.
   */
  committable?(partition: TopicPartition, settled: number): number | undefined;
  /** To be committed beside that offset; undefined where nothing is kept. */
  note(partition: TopicPartition, committable: number): StateNote | undefined;
  /** The partition is not ours any more; its last commit has been made, if one can be made. */
  revoked(partition: TopicPartition): void;
}
