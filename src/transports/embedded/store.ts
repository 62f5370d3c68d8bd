import { type Database, open, type RootDatabase } from 'lmdb';
import { TidegateError } from '../../core/errors.ts';
import type { Message, SettleTarget } from '../../core/message.ts';
import type { EncodedBatch } from './batch-format.ts';
import { batchFacts, decodeBatch } from './batch-reading.ts';
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

/** A position of a group: topic id, partition, group. */
type CommitKey = [number, number, string];
/** A batch: topic id, partition, offset of its first record. */
type BatchKey = [number, number, number];

interface StoredTopic {
  readonly id: number;
  readonly partitions: number;
  readonly config: Readonly<Record<string, string>>;
}

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
 * The log's layout in LMDB. Records, where partitions end, topics and committed offsets are tables of one
 * environment, so that a transaction covers them all. The promise of a write resolves after its fsync.
 */
export class Store {
  readonly topics = new Map<string, TopicState>();
  /** Told when topics or partitions come or go. */
  readonly watchers = new Set<() => void>();
  /** Those that have not ended. */
  private readonly transactions = new Set<Promise<unknown>>();
  private isClosing = false;
  private readonly root: RootDatabase;
  private readonly topicTable: Database<StoredTopic, string>;
  private readonly recordTable: Database<Buffer, BatchKey>;
  private readonly markTable: Database<Buffer, [number, number]>;
  private readonly commitTable: Database<number, CommitKey>;
  private readonly countTable: Database<number, string>;

  /** `durable: false` leaves out the fsync, for a log that ends with the process anyway. */
  constructor(directory: string, durable: boolean) {
    this.root = open({
      path: directory,
      // Otherwise lmdb takes a directory with a dot in its name for a file.
      noSubdir: false,
      noSync: !durable,
      // Nothing is visible before it is durable, and a crash of the machine needs no recovery.
      overlappingSync: false,
      // With it lmdb makes promises of its own that nobody can catch when the disk refuses a transaction.
      eventTurnBatching: false,
      cache: false,
      maxDbs: 8,
    });
    this.topicTable = this.root.openDB({ name: 'topics', encoding: 'msgpack' });
    this.recordTable = this.root.openDB({ name: 'records', encoding: 'binary' });
    this.markTable = this.root.openDB({ name: 'marks', encoding: 'binary' });
    this.commitTable = this.root.openDB({ name: 'commits', encoding: 'ordered-binary' });
    this.countTable = this.root.openDB({ name: 'counts', encoding: 'ordered-binary' });
    for (const { key, value } of this.topicTable.getRange()) this.load(key, value);
  }

  /** Lets transactions that were begun end first: one that reads while lmdb closes ends the process. */
  async close(): Promise<void> {
    this.isClosing = true;
    await Promise.allSettled(this.transactions);
    await this.root.close();
  }

  /** Undefined when there is a topic of that name. */
  async createTopic(
    name: string,
    partitions: number,
    config: Readonly<Record<string, string>>,
  ): Promise<TopicState | undefined> {
    const stored = await this.transact(() => {
      if (this.topicTable.get(name) !== undefined) return undefined;
      const topic: StoredTopic = { id: (this.countTable.get('topics') ?? 0) + 1, partitions, config };
      this.put(this.countTable, 'topics', topic.id);
      this.put(this.topicTable, name, topic);
      for (let index = 0; index < partitions; index += 1) this.putMarks(topic.id, index, NO_MARKS);
      return topic;
    });
    if (stored === undefined) return undefined;
    const topic = this.load(name, stored);
    this.changed();
    return topic;
  }

  async addPartitions(topic: TopicState, total: number): Promise<void> {
    const { id, name, config } = topic;
    await this.transact(() => {
      const stored = this.topicTable.get(name);
      if (stored === undefined || stored.id !== id) return;
      for (let index = stored.partitions; index < total; index += 1) this.putMarks(id, index, NO_MARKS);
      this.put(this.topicTable, name, { id, config, partitions: Math.max(total, stored.partitions) });
    });
    while (topic.partitions.length < total) this.loadPartition(topic, topic.partitions.length);
    this.changed();
  }

  async deleteTopic(topic: TopicState): Promise<void> {
    const { id, name } = topic;
    await this.transact(() => {
      this.remove(this.topicTable, name);
      for (const { index } of topic.partitions) this.remove(this.markTable, [id, index]);
    });
    topic.deleted = true;
    if (this.topics.get(name) === topic) this.topics.delete(name);
    this.changed();
    for (const partition of topic.partitions) notify(partition.watchers);
    await this.removeRemains(id);
  }

  /** Finishes deletions that a crash cut short. */
  async removeOrphans(): Promise<void> {
    const live = new Set([...this.topics.values()].map(({ id }) => id));
    const known = this.countTable.get('topics') ?? 0;
    for (let id = 1; id <= known; id += 1) {
      if (!live.has(id)) await this.removeRemains(id);
    }
  }

  /**
   * Stores batches and moves the ends of their partitions on, in one transaction. Gives the offset of the first record
   * of each append. Rejects with TG_TOPIC_MISSING when the topic is gone; any other failure means that nothing is stored.
   */
  async append(appends: readonly Append[]): Promise<number[]> {
    const stored = await this.transact(() => {
      const before = appends.map(({ partition }) => this.marks(partition));
      if (before.includes(undefined)) return undefined;
      return appends.map((append, index) => this.putBatches(append, before[index] as PartitionMarks));
    });
    const first = appends[0]?.partition.topic.name;
    if (stored === undefined) throw new TidegateError('TG_TOPIC_MISSING', `the topic ${first} was deleted`);
    for (const [index, { partition }] of appends.entries()) this.publish(partition, (stored[index] as Stored).after);
    return stored.map(({ base }) => base);
  }

  private putBatches({ partition, batches }: Append, before: PartitionMarks): Stored {
    const { id } = partition.topic;
    let { end, bytes, dirty } = before;
    for (const { value, records } of batches) {
      this.put(this.recordTable, [id, partition.index, end], value);
      end += records;
      bytes += value.length;
      dirty += value.length;
    }
    const after = { start: before.start, end, bytes, dirty };
    this.putMarks(id, partition.index, after);
    return { base: before.end, after };
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
  async offsetAt(partition: PartitionState, timestamp: number, glance: (batch: StoredBatch) => number | undefined) {
    const { end } = partition;
    for (let from = partition.start; from < end; ) {
      let seen = 0;
      for (const batch of this.batches(partition, from)) {
        if (batch.baseOffset >= end) return end;
        const { maxTimestamp, span } = batchFacts(batch.value);
        const found = maxTimestamp >= timestamp ? glance(batch) : undefined;
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
  *batches(partition: PartitionState, from: number): Generator<StoredBatch> {
    const { topic, index } = partition;
    const range = this.recordTable.getRange({ start: [topic.id, index, from], end: [topic.id, index + 1, -1] });
    for (const { key, value } of range) yield { baseOffset: key[2], value };
  }

  /** Where the batch begins that holds `offset`, or `offset` when none does. */
  private batchOf({ topic, index }: PartitionState, offset: number): number {
    const start: BatchKey = [topic.id, index, offset];
    const range = this.recordTable.getKeys({ start, end: [topic.id, index, -1], reverse: true, limit: 1 });
    for (const key of range) return key[2];
    return offset;
  }

  /** Drops the oldest batches while `rule` says so, a bounded number at a time. Gives how many went. */
  async dropOldest(partition: PartitionState, rule: DropRule): Promise<number> {
    let dropped = 0;
    for (let more = true; more; ) {
      const step = await this.transact(() => this.dropStep(partition, rule));
      if (step.after !== undefined) this.publish(partition, step.after);
      dropped += step.dropped;
      more = step.dropped === STEP;
    }
    return dropped;
  }

  private dropStep(partition: PartitionState, rule: DropRule): { dropped: number; after?: PartitionMarks } {
    const before = this.marks(partition);
    if (before === undefined) return { dropped: 0 };
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
    for (const baseOffset of gone) this.remove(this.recordTable, [partition.topic.id, partition.index, baseOffset]);
    const after = { ...marks, start: Math.max(before.start, start ?? before.end) };
    this.putMarks(partition.topic.id, partition.index, after);
    return { dropped: gone.length, after };
  }

  /** Puts other content in the place of batches, or nothing (null). A batch that is gone by now stays gone. */
  async replace(partition: PartitionState, changes: ReadonlyMap<number, Buffer | null>): Promise<void> {
    const after = await this.transact(() => {
      const before = this.marks(partition);
      if (before === undefined) return undefined;
      let saved = 0;
      for (const [baseOffset, value] of changes) {
        const key: BatchKey = [partition.topic.id, partition.index, baseOffset];
        const old = this.recordTable.get(key);
        if (old === undefined) continue;
        saved += old.length - (value?.length ?? 0);
        if (value === null) this.remove(this.recordTable, key);
        else this.put(this.recordTable, key, value);
      }
      const marks = { ...before, bytes: before.bytes - saved };
      this.putMarks(partition.topic.id, partition.index, marks);
      return marks;
    });
    if (after !== undefined) this.publish(partition, after);
  }

  /** Bytes that came since the last compaction. */
  dirtyBytes(partition: PartitionState): number {
    return this.marks(partition)?.dirty ?? 0;
  }

  /** Says that compaction has seen all but `left` bytes. */
  async compacted(partition: PartitionState, left: number): Promise<void> {
    await this.transact(() => {
      const marks = this.marks(partition);
      if (marks !== undefined) this.putMarks(partition.topic.id, partition.index, { ...marks, dirty: left });
    });
  }

  committed(group: string, partition: PartitionState): number | undefined {
    return this.commitTable.get([partition.topic.id, partition.index, group]);
  }

  async commit(group: string, offsets: ReadonlyMap<PartitionState, number>): Promise<void> {
    await this.transact(() => {
      for (const [{ topic, index }, offset] of offsets) {
        if (!topic.deleted) this.put(this.commitTable, [topic.id, index, group], offset);
      }
    });
  }

  /** Removes everything that a group has committed. */
  async forget(group: string): Promise<void> {
    await this.transact(() => {
      for (const key of [...this.commitTable.getKeys()]) if (key[2] === group) this.remove(this.commitTable, key);
    });
  }

  private async removeRemains(id: number): Promise<void> {
    for (let left = true; left; ) {
      left = await this.transact(() => {
        const range = { start: [id, -1, -1] as BatchKey, end: [id + 1, -1, -1] as BatchKey, limit: STEP };
        const batches = [...this.recordTable.getKeys(range)];
        for (const key of batches) this.remove(this.recordTable, key);
        return batches.length === STEP;
      });
    }
    await this.transact(() => {
      const range = { start: [id, -1, ''] as CommitKey, end: [id + 1, -1, ''] as CommitKey };
      for (const key of [...this.commitTable.getKeys(range)]) this.remove(this.commitTable, key);
    });
  }

  private load(name: string, stored: StoredTopic): TopicState {
    const topic: TopicState = { id: stored.id, name, config: stored.config, partitions: [], deleted: false };
    for (let index = 0; index < stored.partitions; index += 1) this.loadPartition(topic, index);
    this.topics.set(name, topic);
    return topic;
  }

  private loadPartition(topic: TopicState, index: number): void {
    const value = this.markTable.get([topic.id, index]);
    const { start, end, bytes } = value === undefined ? NO_MARKS : decodeMarks(value);
    topic.partitions.push({ topic, index, start, end, bytes, watchers: new Set() });
  }

  private marks({ topic, index }: PartitionState): PartitionMarks | undefined {
    const value = this.markTable.get([topic.id, index]);
    return value === undefined ? undefined : decodeMarks(value);
  }

  private putMarks(id: number, index: number, marks: PartitionMarks): void {
    this.put(this.markTable, [id, index], encodeMarks(marks));
  }

  /** Shows readers what is durable now. Transactions end in order, but their promises are looked at in any. */
  private publish(partition: PartitionState, marks: PartitionMarks): void {
    this.root.resetReadTxn();
    partition.start = Math.max(partition.start, marks.start);
    partition.end = Math.max(partition.end, marks.end);
    partition.bytes = marks.bytes;
    notify(partition.watchers);
  }

  private changed(): void {
    this.root.resetReadTxn();
    notify(this.watchers);
  }

  /**
   * Runs in one write transaction together with whatever else was asked for meanwhile; resolves after the fsync. As a
   * child, because otherwise an action that throws half way would leave its first half in the transaction.
   */
  private async transact<T>(action: () => T): Promise<T> {
    if (this.isClosing) throw new TidegateError('TG_LOG_UNAVAILABLE', 'the log is closed');
    const transaction = this.root.childTransaction(action);
    this.transactions.add(transaction);
    try {
      return await transaction;
    } catch (error) {
      // What went wrong is hidden in a promise beside the error, which rejects a moment later.
      const { commitError } = error as { commitError?: Promise<never> };
      await commitError;
      throw error;
    } finally {
      this.transactions.delete(transaction);
    }
  }

  // Inside a transaction the promise of a put is the transaction's own, which `transact` awaits.
  private put<V, K extends Key>(table: Database<V, K>, key: K, value: V): void {
    table.putSync(key, value);
  }

  private remove<V, K extends Key>(table: Database<V, K>, key: K): void {
    table.removeSync(key);
  }
}

type Key = string | BatchKey | CommitKey | [number, number];

interface Stored {
  readonly base: number;
  readonly after: PartitionMarks;
}

function notify(watchers: Set<() => void>): void {
  for (const watcher of watchers) watcher();
}
