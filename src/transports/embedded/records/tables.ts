import type { StoredMarks } from '../../stored-marks.ts';

/** Topic id, partition, offset of the batch's first record. */
export type BatchKey = [number, number, number];
/** Topic id, partition. */
export type MarksKey = [number, number];
/** Topic id, partition, group. */
export type CommitKey = [number, number, string];

/** The next offset to be read; with a note beside it the offset, then the replay offset, the watermark, `through`, and the marks. */
export type StoredCommit = number | [number, number, number, number, ...StoredMarks];

export interface StoredTopic {
  readonly id: number;
  readonly partitions: number;
  readonly config: Readonly<Record<string, string>>;
}

/** Keys from `start`, itself included, up to `end`, itself left out; backwards from the higher to the lower one with `reverse`. */
export interface KeyRange<Key> {
  readonly start?: Key;
  readonly end?: Key;
  readonly reverse?: boolean;
  readonly limit?: number;
}

/** Values by keys, in the order of the keys. */
export interface Table<Value, Key> {
  get(key: Key): Value | undefined;
  putSync(key: Key, value: Value): unknown;
  removeSync(key: Key): unknown;
  getKeys(range?: KeyRange<Key>): Iterable<Key>;
  getRange(range?: KeyRange<Key>): Iterable<{ readonly key: Key; readonly value: Value }>;
}

/** What a log is kept in: tables that one transaction covers. They are written to within `transact` alone. */
export interface Tables {
  /** By name. */
  readonly topics: Table<StoredTopic, string>;
  readonly batches: Table<Buffer, BatchKey>;
  readonly marks: Table<Buffer, MarksKey>;
  readonly commits: Table<StoredCommit, CommitKey>;
  /** `topics`: the highest id that was ever given to one. `log`: tells this log from others. */
  readonly counts: Table<number, 'topics' | 'log'>;
  /** Does all of it or nothing, and resolves when it is durable. Rejects where it cannot be stored. `bytes` is about what is written. */
  transact<T>(action: () => T, bytes?: number): Promise<T>;
  /** From here on reads see what was written up to now. */
  refresh(): void;
  close(): Promise<void>;
}
