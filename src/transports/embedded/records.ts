import { TidegateError } from '../../core/errors.ts';
import type { Message, SettleTarget } from '../../core/message.ts';
import type { EncodedBatch } from './batch-format.ts';
import { batchFacts, decodeBatch } from './batch-reading.ts';
import type { BatchKey, Environment } from './environment.ts';
import {
  decodeMarks,
  encodeMarks,
  NO_MARKS,
  type PartitionMarks,
  type PartitionState,
  type TopicState,
} from './topic-state.ts';

/** Batches that are removed or searched in one go, before others get their turn. */
const STEP = 64;

export interface Append {
  readonly partition: PartitionState;
  readonly batches: readonly EncodedBatch[];
}

export interface ReadLimits {
  readonly records: number;
  readonly bytes: number;
}

export interface StoredBatch {
  readonly baseOffset: number;
  readonly value: Buffer;
}

/** Decides about one batch while the oldest ones are looked through: `true` drops it. */
export type DropRule = (
  batch: { readonly bytes: number; readonly maxTimestamp: number },
  left: PartitionMarks,
) => boolean;

/**
 * The records of all partitions, as batches, and the marks that say where each partition begins and ends. Both change in
 * one transaction; a partition's state, which readers go by, follows once that is durable.
 */
export class Records {
  private readonly environment: Environment;

  constructor(environment: Environment) {
    this.environment = environment;
  }

  /** A partition without records. Within a transaction. */
  create(id: number, index: number): void {
    this.putMarks(id, index, NO_MARKS);
  }

  /** The partition as it is stored. */
  load(topic: TopicState, index: number): PartitionState {
    const { start, end, bytes } = this.marks(topic.id, index) ?? NO_MARKS;
    return { topic, index, start, end, bytes, watchers: new Set() };
  }

  /** From now on nothing can be stored in the partition. Within a transaction. */
  shut({ topic, index }: PartitionState): void {
    this.environment.marks.removeSync([topic.id, index]);
  }

  /** Removes the batches of a topic whose partitions were shut, a bounded number at a time. */
  async removeTopic(id: number): Promise<void> {
    const { batches } = this.environment;
    const range: { start: BatchKey; end: BatchKey } = { start: [id, -1, -1], end: [id + 1, -1, -1] };
    for (let removed = STEP; removed === STEP; ) {
      removed = await this.environment.transact(() => {
        const keys = [...batches.getKeys({ ...range, limit: STEP })];
        for (const key of keys) batches.removeSync(key);
        return keys.length;
      });
    }
  }

  /**
   * Stores batches and moves the ends of their partitions on, in one transaction. Gives the offset of the first record
   * of each append. Rejects with TG_TOPIC_MISSING when the topic is gone; any other failure means that nothing is stored.
   */
  async append(appends: readonly Append[]): Promise<number[]> {
    let bytes = 0;
    for (const { batches } of appends) for (const { value } of batches) bytes += value.length;
    const stored = await this.environment.transact(() => {
      const known = appends.flatMap((append) => {
        const before = this.marksOf(append.partition);
        return before === undefined ? [] : [{ append, before }];
      });
      if (known.length < appends.length) return undefined;
      return known.map(({ append, before }) => this.putBatches(append, before));
    }, bytes);
    const first = appends[0]?.partition.topic.name;
    if (stored === undefined) throw new TidegateError('TG_TOPIC_MISSING', `the topic ${first} was deleted`);
    for (const { partition, after } of stored) this.publish(partition, after);
    return stored.map(({ base }) => base);
  }

  /** Messages from an offset on, within the limits but at least one where there is one. */
  read(
    partition: PartitionState,
    from: number,
    limits: ReadLimits,
    target?: SettleTarget,
  ): { readonly messages: Message[]; readonly next: number } {
    const { topic, index, end } = partition;
    const messages: Message[] = [];
    let bytes = 0;
    let next = from;
    for (const { baseOffset, value } of this.batches(partition, this.batchOf(partition, from))) {
      if (baseOffset >= end) break;
      if (messages.length > 0 && bytes + value.length > limits.bytes) return { messages, next };
      bytes += value.length;
      const options = { topic: topic.name, partition: index, baseOffset, from, target };
      next = Math.max(from, decodeBatch(value, options, messages, limits.records));
      if (messages.length >= limits.records) return { messages, next };
    }
    // Compaction may have left nothing up to the end.
    return { messages, next: Math.max(next, end) };
  }

  /** The first offset whose record is not older than `timestamp`; the end where there is none. */
  async offsetAt(
    partition: PartitionState,
    timestamp: number,
    find: (batch: StoredBatch) => number | undefined,
  ): Promise<number> {
    const { end } = partition;
    for (let from = partition.start; from < end; ) {
      let seen = 0;
      for (const batch of this.batches(partition, from)) {
        if (batch.baseOffset >= end) return end;
        const { maxTimestamp, span } = batchFacts(batch.value);
        const found = maxTimestamp >= timestamp ? find(batch) : undefined;
        if (found !== undefined) return Math.max(found, partition.start);
        from = batch.baseOffset + span;
        seen += 1;
        if (seen === STEP) break;
      }
      if (seen === 0) return end;
      await new Promise((resolve) => setImmediate(resolve));
    }
    return end;
  }

  /** Batches in order, from the one that begins at `from` or the first behind it. Values are copies. */
  *batches({ topic, index }: PartitionState, from: number): Generator<StoredBatch> {
    const { batches } = this.environment;
    const range = batches.getRange({ start: [topic.id, index, from], end: [topic.id, index + 1, -1] });
    for (const { key, value } of range) yield { baseOffset: key[2], value };
  }

  /** Drops the oldest batches while `rule` says so, a bounded number at a time. */
  async dropOldest(partition: PartitionState, rule: DropRule): Promise<void> {
    for (let dropped = STEP; dropped === STEP; ) {
      const step = await this.environment.transact(() => this.dropStep(partition, rule));
      if (step.after !== undefined) this.publish(partition, step.after);
      dropped = step.dropped;
    }
  }

  /** Puts other content in the place of batches, or nothing (null). A batch that is gone by now stays gone. */
  async replace(partition: PartitionState, changes: ReadonlyMap<number, Buffer | null>): Promise<void> {
    const { batches } = this.environment;
    const after = await this.environment.transact(() => {
      const before = this.marksOf(partition);
      if (before === undefined) return undefined;
      let saved = 0;
      for (const [baseOffset, value] of changes) {
        const key: BatchKey = [partition.topic.id, partition.index, baseOffset];
        const old = batches.get(key);
        if (old === undefined) continue;
        saved += old.length - (value?.length ?? 0);
        if (value === null) batches.removeSync(key);
        else batches.putSync(key, value);
      }
      const marks = { ...before, bytes: before.bytes - saved };
      this.putMarks(partition.topic.id, partition.index, marks);
      return marks;
    });
    if (after !== undefined) this.publish(partition, after);
  }

  /** Bytes that came since the last compaction. */
  dirtyBytes(partition: PartitionState): number {
    return this.marksOf(partition)?.dirty ?? 0;
  }

  /** Says that compaction has seen all but `left` bytes. */
  async compacted(partition: PartitionState, left: number): Promise<void> {
    await this.environment.transact(() => {
      const marks = this.marksOf(partition);
      if (marks !== undefined) this.putMarks(partition.topic.id, partition.index, { ...marks, dirty: left });
    });
  }

  private putBatches({ partition, batches }: Append, before: PartitionMarks): Stored {
    const { id } = partition.topic;
    let { end, bytes, dirty } = before;
    for (const { value, records } of batches) {
      this.environment.batches.putSync([id, partition.index, end], value);
      end += records;
      bytes += value.length;
      dirty += value.length;
    }
    const after = { start: before.start, end, bytes, dirty };
    this.putMarks(id, partition.index, after);
    return { partition, base: before.end, after };
  }

  /** Where the batch begins that holds `offset`, or `offset` when none does. */
  private batchOf({ topic, index }: PartitionState, offset: number): number {
    const start: BatchKey = [topic.id, index, offset];
    const range = { start, end: [topic.id, index, -1] satisfies BatchKey, reverse: true, limit: 1 };
    for (const key of this.environment.batches.getKeys(range)) return key[2];
    return offset;
  }

  private dropStep(partition: PartitionState, rule: DropRule): { dropped: number; after?: PartitionMarks } {
    const before = this.marksOf(partition);
    if (before === undefined) return { dropped: 0 };
    const { topic, index } = partition;
    let marks = before;
    const gone: number[] = [];
    let start: number | undefined;
    for (const { baseOffset, value } of this.batches(partition, 0)) {
      start = baseOffset;
      const bytes = value.length;
      if (gone.length === STEP || !rule({ bytes, maxTimestamp: batchFacts(value).maxTimestamp }, marks)) break;
      gone.push(baseOffset);
      start = baseOffset + batchFacts(value).span;
      marks = { ...marks, bytes: marks.bytes - bytes, dirty: Math.min(marks.dirty, marks.bytes - bytes) };
    }
    if (gone.length === 0) return { dropped: 0 };
    for (const baseOffset of gone) this.environment.batches.removeSync([topic.id, index, baseOffset]);
    const after = { ...marks, start: Math.max(before.start, start ?? before.end) };
    this.putMarks(topic.id, index, after);
    return { dropped: gone.length, after };
  }

  private marksOf({ topic, index }: PartitionState): PartitionMarks | undefined {
    return this.marks(topic.id, index);
  }

  private marks(id: number, index: number): PartitionMarks | undefined {
    const value = this.environment.marks.get([id, index]);
    return value === undefined ? undefined : decodeMarks(value);
  }

  private putMarks(id: number, index: number, marks: PartitionMarks): void {
    this.environment.marks.putSync([id, index], encodeMarks(marks));
  }

  /** Shows readers what is durable now. Transactions end in order, but their promises are looked at in any. */
  private publish(partition: PartitionState, marks: PartitionMarks): void {
    this.environment.refresh();
    partition.start = Math.max(partition.start, marks.start);
    partition.end = Math.max(partition.end, marks.end);
    partition.bytes = marks.bytes;
    for (const watcher of partition.watchers) watcher();
  }
}

interface Stored {
  readonly partition: PartitionState;
  readonly base: number;
  readonly after: PartitionMarks;
}
