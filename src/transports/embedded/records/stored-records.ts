import type { Message, SettleTarget } from '../../../core/message.ts';
import type { Propagation } from '../../../core/propagation.ts';
import { damageIn } from './batch-damage.ts';
import { claimedTimestamp, decodeBatch } from './batch-reading.ts';
import type { BatchKey, Tables } from './tables.ts';
import { decodeMarks, hasPolicy, NO_MARKS, type PartitionMarks, type PartitionState } from './topic-state.ts';

/** Batches that are searched in one go, before others get their turn. */
const STEP = 64;

export interface ReadLimits {
  readonly records: number;
  readonly bytes: number;
}

/** Offsets whose records cannot be read, and why. */
export interface Unreadable {
  readonly from: number;
  /** The first offset behind them. */
  readonly to: number;
  readonly reason: string;
}

export interface ReadResult {
  readonly messages: Message[];
  /** Offset to go on with. */
  readonly next: number;
  /** Reading has ended behind these, and there are no messages. */
  readonly unreadable?: Unreadable;
}

export const MISSING = 'damaged: the batch is missing';

export interface StoredBatch {
  readonly baseOffset: number;
  readonly value: Buffer;
}

/** The records of all partitions as they can be read: batch by batch, each of which may be damaged. */
export class StoredRecords {
  protected readonly environment: Tables;
  private readonly propagation: Propagation | undefined;

  constructor(environment: Tables, propagation?: Propagation) {
    this.environment = environment;
    this.propagation = propagation;
  }

  /** Whether anything is read now. Readers are woken by the watchers of their partitions when it is. */
  get isReachable(): boolean {
    return true;
  }

  /** Messages from an offset on, within the limits but at least one where there is one. Ends in front of what cannot be read. */
  read(partition: PartitionState, from: number, limits: ReadLimits, target?: SettleTarget): ReadResult {
    const { propagation } = this;
    const { topic, index, end } = partition;
    // Compaction removes batches whole; elsewhere each batch begins where the one before it ends.
    const isComplete = !hasPolicy(topic, 'compact');
    const messages: Message[] = [];
    let bytes = 0;
    let next = from;
    for (const { baseOffset, value } of this.batches(partition, this.batchOf(partition, from))) {
      if (baseOffset >= end) break;
      if (messages.length > 0 && bytes + value.length > limits.bytes) return { messages, next };
      const isMissing = isComplete && baseOffset > next;
      const reason = isMissing ? MISSING : this.damage(partition, baseOffset, value);
      if (reason !== undefined) {
        if (messages.length > 0) return { messages, next };
        const to = isMissing ? baseOffset : this.nextBatch(partition, Math.max(next, baseOffset));
        return this.unreadable(partition, next, to, reason);
      }
      bytes += value.length;
      const options = { topic: topic.name, partition: index, baseOffset, from, target, propagation };
      // An offset that is too high would be out of range, and reading would begin anew.
      next = Math.min(end, Math.max(from, decodeBatch(value, options, messages, limits.records)));
      if (messages.length >= limits.records) return { messages, next };
    }
    if (isComplete && next < end && messages.length === 0) return this.unreadable(partition, next, end, MISSING);
    // Compaction may have left nothing up to the end.
    return { messages, next: isComplete ? next : Math.max(next, end) };
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
        const isCandidate = claimedTimestamp(batch.value) >= timestamp && damageIn(batch.value) === undefined;
        const found = isCandidate ? find(batch) : undefined;
        if (found !== undefined) return Math.max(found, partition.start);
        from = batch.baseOffset + 1;
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

  protected marksOf({ topic, index }: PartitionState): PartitionMarks | undefined {
    return this.marks(topic.id, index);
  }

  protected marks(id: number, index: number): PartitionMarks | undefined {
    const value = this.environment.marks.get([id, index]);
    return value === undefined ? undefined : decodeMarks(value);
  }

  /** Looked at once where a batch is read in several steps. */
  private damage(partition: PartitionState, baseOffset: number, value: Buffer): string | undefined {
    if (partition.intact === baseOffset) return undefined;
    const reason = damageIn(value);
    if (reason === undefined) partition.intact = baseOffset;
    return reason;
  }

  /** Retention may have removed what is missing, in a transaction that readers do not know of yet. */
  private unreadable(partition: PartitionState, from: number, to: number, reason: string): ReadResult {
    const { start } = this.marksOf(partition) ?? NO_MARKS;
    return from < start ? { messages: [], next: from } : { messages: [], next: to, unreadable: { from, to, reason } };
  }

  /** Where the first batch begins that is behind `offset`; the end where there is none. */
  private nextBatch({ topic, index, end }: PartitionState, offset: number): number {
    const range = {
      start: [topic.id, index, offset + 1] satisfies BatchKey,
      end: [topic.id, index + 1, -1] satisfies BatchKey,
      limit: 1,
    };
    for (const key of this.environment.batches.getKeys(range)) return Math.min(key[2], end);
    return end;
  }

  /** Where the last batch of a partition begins; -1 where there is none. */
  protected lastBatch(id: number, index: number): number {
    return this.batchBefore([id, index, Number.MAX_SAFE_INTEGER]) ?? -1;
  }

  /** Where the batch begins that holds `offset`, or `offset` when none does. */
  private batchOf({ topic, index }: PartitionState, offset: number): number {
    return this.batchBefore([topic.id, index, offset]) ?? offset;
  }

  private batchBefore(start: BatchKey): number | undefined {
    const range = { start, end: [start[0], start[1], -1] satisfies BatchKey, reverse: true, limit: 1 };
    for (const key of this.environment.batches.getKeys(range)) return key[2];
    return undefined;
  }
}
