import type { Message } from './message.ts';

/** An offset that has to be read again after a restart, for as long as it is held. Opaque to operators. */
export interface Hold {
  readonly offset: number;
}

/** What an operator gives out of its state, in one go: the results of one window, or of one match. */
export interface Release {
  /**
   * When it ended, in milliseconds since the epoch: it is not given out again where the log had it then. Never less than
   * that of what was given out in the same partition before.
   */
  readonly end: number;
  /** Made one by one as the sink takes them: there may be a million. Each is a message without a settle target. */
  readonly results: Iterable<Message>;
  /** The log has all of them and all that ended before, or had them before. */
  readonly done: () => void;
}

/** What the engine gives an operator for one partition of its topics. */
export interface PartitionPort {
  /** Greatest time of a record, less the lateness, in milliseconds since the epoch. */
  readonly watermark: number;
  /** The record and those behind it are needed until the hold is released. */
  hold(record: Message): Hold;
  release(hold: Hold): void;
  give(release: Release): void;
  /** Whether what ended then is in the log: it is not to be a result of a release that has others, either. */
  wasStored(end: number): boolean;
  /**
   * Gives out before its end all that is kept, as there is no room for the record of that offset. Returns false, and takes
   * nothing, while too much of that is not stored yet.
   */
  giveEarly(at: number, early: Pick<Release, 'results' | 'done'>): boolean;
  /** Gives out what there is so far: nothing waits for it, and a crash may lose it. */
  show(results: Iterable<Message>): void;
  /** The record has come too late, which is counted. */
  late(record: Message): void;
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
  /** The record's time in milliseconds since the epoch. Throws TG_MESSAGE_INVALID. */
  timeOf(record: Message): number | Promise<number>;
  partition(port: PartitionPort): PartitionOperator;
}
