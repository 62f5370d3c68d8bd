import type { Message } from './message.ts';

/** An offset that has to be read again after a restart, for as long as it is held. Opaque to operators. */
export interface Hold {
  readonly offset: number;
}

interface Results {
  /** Made one by one as the sink takes them: there may be a million. Each is a message without a settle target. */
  readonly results: Iterable<Message>;
}

/** What time ended: the results of one window. */
export interface EndedByTime extends Results {
  /**
   * When it ended, in milliseconds since the epoch: it is not given out again where the log had it then. Never less than
   * that of what time ended in the same partition before.
   */
  readonly end: number;
  /** The log has all of them and all that ended before, or had them before. */
  readonly done: () => void;
}

/**
 * What a record completed as it was taken. It is settled when the log has the results and all that was given out before,
 * of which there may be none. Not given out where the record is replayed.
 */
export interface CompletedByRecord extends Results {
  readonly by: Message;
}

/** What may come a second time after a restart. */
export interface Repeatable extends Results {
  /** The log has all of them and all that was given out before. */
  readonly done: () => void;
}

/** What an operator gives out of its state, in one go. */
export type Release = EndedByTime | CompletedByRecord | Repeatable;

/** What the engine gives an operator for one partition of its topics. */
export interface PartitionPort {
  /** Greatest time of a record, less the lateness, in milliseconds since the epoch. */
  readonly watermark: number;
  /** Whether records are read again that were committed before: the state is not complete. */
  readonly isReplaying: boolean;
  /** The record and those behind it are needed until the hold is released. */
  hold(record: Message): Hold;
  /** `by`: a record that completed what the hold was for. It is needed until the offset of that one is committed. */
  release(hold: Hold, by?: Message): void;
  give(release: Release): void;
  /** Reading may start again at that record, or at the next one that is taken: the state is empty. For `restartsWhereEmpty`. */
  mayRestart(at?: Message): void;
}

/** The state of an operator in one partition. It starts empty when the partition is assigned, and is rebuilt by reading again. */
export interface PartitionOperator {
  /** Takes a record into the state. What it throws, or rejects with, fails that message, and the state is as before. */
  take(record: Message, time: number): undefined | Promise<void>;
  /** The watermark has moved. */
  advance(): void;
  /** Called by the clock where the operator has `every`. */
  tick?(): void;
  /** Keys and bytes that it keeps, for its limits and metrics. */
  readonly size: { readonly keys: number; readonly bytes: number };
}

/** An operator that keeps messages and gives out results later. */
export interface StatefulOperator {
  /** Milliseconds by which a record may be behind the latest one. */
  readonly lateness: number;
  /** Milliseconds without a record after which a partition's time follows the clock; undefined: never. */
  readonly idle: number | undefined;
  /** Milliseconds between two ticks; left out: there are none. */
  readonly every?: number;
  /**
   * What comes of a record depends on all records since the state was empty, so that reading starts again only where
   * `mayRestart` says so. Otherwise it may start anywhere in front of the first record that is held.
   */
  readonly restartsWhereEmpty?: boolean;
  /** The record's time in milliseconds since the epoch. Throws TG_MESSAGE_INVALID. */
  timeOf(record: Message): number | Promise<number>;
  partition(port: PartitionPort): PartitionOperator;
}
