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
  /** Of the records that the results are made of. They end when a commit covers all that was taken until then. */
  readonly holds: readonly Hold[];
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
  /** Whether what ended then is in the log: it is not to be a result of a release that has others, either. */
  wasStored(end: number): boolean;
  /**
   * Gives out before its end all that is kept, as there is no room for the record of that offset. Returns false, and takes
   * nothing, while too much of that is not stored yet.
   */
  giveEarly(at: number, early: Pick<EndedByTime, 'results' | 'done'>): boolean;
  /** Gives out what there is so far: nothing waits for it, and a crash may lose it. */
  show(results: Iterable<Message>): void;
  /** The record has come too late, which is counted. */
  late(record: Message): void;
  /** Reading may start again at that record, or at the next one that is taken: the state is empty. For `restartsWhereEmpty`. */
  mayRestart(at?: Message): void;
}

/** `elsewhere`: the operator has handed the record on, and it is settled there. */
export type Taken = undefined | 'elsewhere';

/** The state of an operator in one partition. It starts empty when the partition is assigned, and is rebuilt by reading again. */
export interface PartitionOperator {
  /** Takes a record into the state. What it throws, or rejects with, fails that message, and the state is as before. */
  take(record: Message, time: number): Taken | Promise<Taken>;
  /** The watermark has moved. */
  advance(): void;
  /** Gives out all that it keeps, by `giveEarly`, which says whether that can be. For operators that call it. */
  giveAllEarly?(at: number): boolean;
  /** Called every so often, as the operator says, but not while its state is being rebuilt. */
  tick?(): void;
  /** What it keeps, for its limits and metrics. `windows`: open ones, of an operator that has windows. */
  readonly size: { readonly keys: number; readonly bytes: number; readonly windows?: number };
}

/** An operator that keeps messages and gives out results later. */
export interface StatefulOperator {
  /** Milliseconds by which a record may be behind the latest one. */
  readonly lateness: number;
  /** Milliseconds without a record after which a partition's time follows the clock; undefined: never. */
  readonly idle: number | undefined;
  /** Milliseconds between two calls of `tick`; left out: none. */
  readonly every?: number | undefined;
  /**
   * What comes of a record depends on all records since the state was empty, so that reading starts again only where
   * `mayRestart` says so. Otherwise it may start anywhere in front of the first record that is held.
   */
  readonly restartsWhereEmpty?: boolean;
  /** The record's time in milliseconds since the epoch. Throws TG_MESSAGE_INVALID. */
  timeOf(record: Message): number | Promise<number>;
  partition(port: PartitionPort): PartitionOperator;
}

/** One of the two topics of a join. */
export type Side = 'left' | 'right';

/** What an operator gives out of the state of two topics, in one go. */
export interface PairRelease {
  /**
   * What it was given out for: a record, which is read again while the log does not have the results; or the time of a
   * side, which has come to `end`. Never less than that of what was given out for the same side before.
   */
  readonly by: { readonly side: Side } & ({ readonly record: Message } | { readonly end: number });
  /** Made one by one as the sink takes them. Each is a message without a settle target. */
  readonly results: Iterable<Message>;
}

/** What the engine gives an operator for the partitions of one number of both topics. */
export interface PairPort {
  /** Greatest time of a record of that side, less the lateness, in milliseconds since the epoch. */
  watermarkOf(side: Side): number;
  /**
   * Whether all records that the group had committed have been read again, of both sides. Until then one side may be
   * ahead of the other as it never was, and nothing can be said of what is missing.
   */
  readonly isRebuilt: boolean;
  /** The record and those behind it are needed until the hold is released. */
  hold(side: Side, record: Message): Hold;
  /** It ends when the log has all that was given out so far. */
  release(side: Side, hold: Hold): void;
  /** Whether what ended then, by the time of that side, was in the log before this gateway had the partition, or is in it now. */
  wasStored(side: Side, end: number): boolean;
  give(release: PairRelease): void;
  /** The record has come too late, which is counted. */
  late(record: Message): void;
}

/** The state of an operator in the partitions of one number of two topics. */
export interface PairOperator {
  /** Takes a record into the state. What it throws, or rejects with, fails that message, and the state is as before. */
  take(side: Side, record: Message, time: number): undefined | Promise<undefined>;
  /** A watermark has moved, or the state is rebuilt. */
  advance(): void;
  /** The side is read anew, from elsewhere. */
  forget(side: Side): void;
  readonly size: { readonly keys: number; readonly bytes: number };
}

/** An operator whose state is that of two topics, which have as many partitions. */
export interface JoiningOperator extends Pick<StatefulOperator, 'lateness' | 'idle' | 'timeOf'> {
  readonly topics: Readonly<Record<Side, string>>;
  pair(port: PairPort): PairOperator;
}
