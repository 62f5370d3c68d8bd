import { TidegateError } from '../../../core/errors.ts';
import type { Message } from '../../../core/message.ts';
import { damageIn } from './batch-damage.ts';
import type { EncodedBatch } from './batch-format.ts';
import { claimedTimestamp } from './batch-reading.ts';
import { StoredRecords } from './stored-records.ts';
import type { BatchKey } from './tables.ts';
import { encodeMarks, NO_MARKS, type PartitionMarks, type PartitionState, type TopicState } from './topic-state.ts';

/** Batches that are removed in one go, before others get their turn. */
const STEP = 64;

export interface Append {
  readonly partition: PartitionState;
  readonly batches: readonly EncodedBatch[];
  /** What the records were made from, one each, in their order, where that is known. */
  readonly messages?: readonly Message[];
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
export class Records extends StoredRecords {
  /** A partition without records. Within a transaction. */
  create(id: number, index: number): void {
    this.putMarks(id, index, NO_MARKS);
  }

  /** The partition as it is stored. Throws where what is stored contradicts itself: records would be written over. */
  load(topic: TopicState, index: number): PartitionState {
    const marks = this.marks(topic.id, index);
    if (marks === undefined) throw new Error(`the marks of ${topic.name}/${index} are missing`);
    const { start, end, bytes } = marks;
    const last = this.lastBatch(topic.id, index);
    if (last >= end) throw new Error(`${topic.name}/${index} ends at ${end}, but has a batch at ${last}`);
    return { topic, index, start, end, bytes, intact: -1, watchers: new Set() };
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
   * of each append. Rejects with TG_TOPIC_MISSING when the topic is gone; any failure means that nothing is stored.
   * `also` writes more in the same transaction.
   */
  async append(appends: readonly Append[], also: () => void = () => {}): Promise<number[]> {
    let bytes = 0;
    for (const { batches } of appends) for (const { value } of batches) bytes += value.length;
    const stored = await this.environment.transact(() => {
      const known = appends.flatMap((append) => {
        const before = this.marksOf(append.partition);
        return before === undefined ? [] : [{ append, before }];
      });
      if (known.length < appends.length) return undefined;
      also();
      return known.map(({ append, before }) => this.putBatches(append, before));
    }, bytes);
    const first = appends[0]?.partition.topic.name;
    if (stored === undefined) throw new TidegateError('TG_TOPIC_MISSING', `the topic ${first} was deleted`);
    for (const { partition, after } of stored) this.publish(partition, after);
    return stored.map(({ base }) => base);
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

  /** Says that compaction has seen so many of the dirty bytes. What is appended meanwhile stays dirty. */
  async compacted(partition: PartitionState, seen: number): Promise<void> {
    await this.environment.transact(() => {
      const marks = this.marksOf(partition);
      if (marks === undefined) return;
      const dirty = Math.max(0, marks.dirty - seen);
      this.putMarks(partition.topic.id, partition.index, { ...marks, dirty });
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

  private dropStep(partition: PartitionState, rule: DropRule): { dropped: number; after?: PartitionMarks } {
    const before = this.marksOf(partition);
    if (before === undefined) return { dropped: 0 };
    const { topic, index } = partition;
    const seen: number[] = [];
    let gone = 0;
    let behind: number | undefined;
    let left = before;
    let marks = before;
    for (const { baseOffset, value } of this.batches(partition, 0)) {
      behind = baseOffset;
      if (seen.length === STEP) break;
      const bytes = value.length;
      const isOver = rule({ bytes, maxTimestamp: claimedTimestamp(value) }, left);
      // A damaged batch that says it is young would keep those behind it for ever: it goes with the next one.
      if (!isOver && damageIn(value) === undefined) break;
      behind = undefined;
      seen.push(baseOffset);
      left = { ...left, bytes: left.bytes - bytes, dirty: Math.min(left.dirty, left.bytes - bytes) };
      if (!isOver) continue;
      gone = seen.length;
      marks = left;
    }
    if (gone === 0) return { dropped: 0 };
    for (const baseOffset of seen.slice(0, gone)) this.environment.batches.removeSync([topic.id, index, baseOffset]);
    const after = { ...marks, start: Math.max(before.start, seen[gone] ?? behind ?? before.end) };
    this.putMarks(topic.id, index, after);
    return { dropped: gone, after };
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
