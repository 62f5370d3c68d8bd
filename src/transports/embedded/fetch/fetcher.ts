import { Batch } from '../../../core/batch.ts';
import type { Gap } from '../../../core/log.ts';
import type { Message, SettleTarget } from '../../../core/message.ts';
import type { Stats } from '../../../telemetry/stats.ts';
import type { Records } from '../records/records.ts';
import type { PartitionState } from '../records/topic-state.ts';

/** One read: the event loop is held no longer than it takes to copy this much. */
const CHUNK_RECORDS = 1_000;
const CHUNK_BYTES = 1_048_576;

/** A place in a partition that a fetcher reads on from. */
export interface Cursor {
  readonly partition: PartitionState;
  /** Next offset to be delivered. */
  position: number;
  paused: boolean;
  /** Position in an earlier topic of the same name, until that one's end is reported as a gap. */
  before?: number | undefined;
  /** Records that may be handed over now. */
  readonly room: number;
  readonly target?: SettleTarget;
  /** How many of what was read are taken now; the others are read again. All where it is left out. */
  readonly admit?: ((messages: readonly Message[]) => number) | undefined;
}

export interface FetcherEvents<C extends Cursor> {
  batch(batch: Batch, cursor: C): void;
  gap(gap: Gap, cursor: C): void;
  failed(error: unknown): void;
}

/**
 * Reads partitions in turn, one chunk per turn of the event loop, for as long as there is something to read and
 * it is not paused. Appends wake it: there is no polling.
 */
export class Fetcher<C extends Cursor> {
  private readonly records: Records;
  private readonly stats: Stats;
  private readonly events: FetcherEvents<C>;
  private cursors: C[] = [];
  private turn = 0;
  private next: NodeJS.Immediate | undefined;
  private running = false;
  private paused = false;

  constructor(records: Records, stats: Stats, events: FetcherEvents<C>) {
    this.records = records;
    this.stats = stats;
    this.events = events;
  }

  add(cursor: C): void {
    this.cursors.push(cursor);
    cursor.partition.watchers.add(this.wake);
    this.wake();
  }

  remove(cursor: C): void {
    this.cursors = this.cursors.filter((one) => one !== cursor);
    if (!this.cursors.some(({ partition }) => partition === cursor.partition)) {
      cursor.partition.watchers.delete(this.wake);
    }
  }

  start(): void {
    this.running = true;
    this.wake();
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.wake();
  }

  stop(): void {
    this.running = false;
    for (const { partition } of this.cursors) partition.watchers.delete(this.wake);
    this.cursors = [];
    clearImmediate(this.next);
  }

  /** Looks again for something to read. */
  readonly wake = (): void => {
    if (this.next !== undefined || !this.running || this.paused || !this.records.isReachable) return;
    this.next = setImmediate(() => {
      this.next = undefined;
      this.readOne();
    });
  };

  private readOne(): void {
    if (!this.running || this.paused || !this.records.isReachable) return;
    const cursor = this.nextReady();
    if (cursor === undefined) return;
    try {
      this.read(cursor);
    } catch (error) {
      this.events.failed(error);
      return;
    }
    this.wake();
  }

  private nextReady(): C | undefined {
    for (let tried = 0; tried < this.cursors.length; tried += 1) {
      this.turn = (this.turn + 1) % this.cursors.length;
      const cursor = this.cursors[this.turn];
      if (cursor === undefined || cursor.paused || cursor.partition.topic.deleted) continue;
      if (cursor.before !== undefined) return cursor;
      if (cursor.position !== cursor.partition.end && cursor.room > 0) return cursor;
      if (cursor.position < cursor.partition.start) return cursor;
    }
    return undefined;
  }

  private read(cursor: C): void {
    const { partition } = cursor;
    if (cursor.before !== undefined) {
      this.reportRecreated(cursor, cursor.before);
      return;
    }
    if (cursor.position < partition.start || cursor.position > partition.end) {
      // It goes on at the earliest record, never at the end.
      this.skip(cursor, partition.start);
      return;
    }
    const limits = { records: Math.min(cursor.room, CHUNK_RECORDS), bytes: CHUNK_BYTES };
    const { messages, next, unreadable } = this.records.read(partition, cursor.position, limits, cursor.target);
    if (unreadable !== undefined) {
      this.skip(cursor, unreadable.to, unreadable.reason);
      return;
    }
    const taken = messages.length === 0 ? 0 : (cursor.admit?.(messages) ?? messages.length);
    cursor.position = messages[taken]?.offset ?? next;
    if (taken === 0) return;
    this.events.batch(new Batch(taken === messages.length ? messages : messages.slice(0, taken)), cursor);
  }

  private reportRecreated(cursor: C, from: number): void {
    const { topic, index, start } = cursor.partition;
    this.stats.counter('tidegate_reader_recreated_partitions_total', { topic: topic.name }).value += 1;
    cursor.before = undefined;
    cursor.position = start;
    this.events.gap({ topic: topic.name, partition: index, from, to: start, recreated: true }, cursor);
  }

  /** Goes on behind what was gone before it could be read, or cannot be read. */
  private skip(cursor: C, to: number, reason?: string): void {
    const { topic, index } = cursor.partition;
    const from = cursor.position;
    this.stats.counter('tidegate_reader_gap_records_total', { topic: topic.name }).value += Math.max(0, to - from);
    cursor.position = to;
    const gap = { topic: topic.name, partition: index, from, to };
    this.events.gap(reason === undefined ? gap : { ...gap, reason }, cursor);
  }
}
