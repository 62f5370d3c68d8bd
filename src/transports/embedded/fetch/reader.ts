import { Observable, Subject, type Subscriber } from 'rxjs';
import type { Batch } from '../../../core/batch.ts';
import { asTidegateError, TidegateError } from '../../../core/errors.ts';
import type { Checkpoint, Gap, Reader, ReaderOptions, TopicCheckpoint, TopicPartition } from '../../../core/log.ts';
import type { Stats } from '../../../telemetry/stats.ts';
import type { Store } from '../records/store.ts';
import type { PartitionState } from '../records/topic-state.ts';
import { type Cursor, Fetcher } from './fetcher.ts';
import { startOffset } from './start-offset.ts';

export interface ReaderParts {
  readonly store: Store;
  readonly stats: Stats;
  readonly closed: (reader: EmbeddedReader) => void;
}

/** Reads topics from positions of its own. Partitions that come later, and topics too, are read from their beginning. */
export class EmbeddedReader implements Reader {
  readonly batches$: Observable<Batch>;
  readonly live: Promise<void>;
  private readonly gaps = new Subject<Gap>();
  readonly gaps$ = this.gaps.asObservable();
  private readonly options: ReaderOptions;
  private readonly parts: ReaderParts;
  private readonly fetcher: Fetcher<Cursor>;
  private readonly cursors = new Map<PartitionState, Cursor>();
  /** Where it was in topics that are gone, by name, until another one of that name is read. */
  private readonly gone = new Map<string, { readonly id: string | undefined; readonly offsets: Map<number, number> }>();
  private subscriber: Subscriber<Batch> | undefined;
  private wasSubscribed = false;
  private isClosed = false;

  constructor(options: ReaderOptions, parts: ReaderParts) {
    this.options = options;
    this.parts = parts;
    this.fetcher = new Fetcher(parts.store.records, parts.stats, {
      batch: (batch) => this.subscriber?.next(batch),
      gap: (gap) => {
        if (gap.recreated === true) this.gone.delete(gap.topic);
        this.gaps.next(gap);
      },
      failed: (error) => this.fail(error),
    });
    this.batches$ = new Observable((subscriber) => this.start(subscriber));
    if (typeof options.from === 'object' && 'checkpoint' in options.from) this.goOnFrom(options.from.checkpoint);
    this.live = this.fixPositions();
    // Callers may ignore `live`: a failure ends batches$ as well.
    this.live.catch((error) => this.fail(error));
  }

  pause(): void {
    this.fetcher.pause();
  }

  resume(): void {
    this.fetcher.resume();
  }

  leave({ topic, partition: index }: TopicPartition): void {
    for (const cursor of this.cursors.values())
      if (cursor.partition.topic.name === topic && cursor.partition.index === index) cursor.paused = true;
  }

  positions(): ReadonlyMap<string, ReadonlyMap<number, number>> {
    const positions = new Map<string, Map<number, number>>();
    for (const { partition, position } of this.cursors.values()) {
      const { name } = partition.topic;
      const ofTopic = positions.get(name) ?? new Map<number, number>();
      positions.set(name, ofTopic.set(partition.index, position));
    }
    return positions;
  }

  checkpoint(): Checkpoint {
    const checkpoint = new Map<string, TopicCheckpoint>();
    for (const [name, offsets] of this.positions())
      checkpoint.set(name, { id: this.parts.store.topics.get(name)?.id.toString(), offsets });
    for (const [name, gone] of this.gone) checkpoint.set(name, gone);
    return checkpoint;
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.stop();
    this.subscriber?.complete();
  }

  /** Ends as if its process had: nothing is heard of it any more. */
  cut(): void {
    this.stop();
  }

  private start(subscriber: Subscriber<Batch>): () => void {
    if (this.wasSubscribed || this.isClosed) {
      subscriber.error(new TidegateError('TG_LOG_UNAVAILABLE', 'a reader is subscribed to once, while it is open'));
      return () => {};
    }
    this.wasSubscribed = true;
    this.subscriber = subscriber;
    this.fetcher.start();
    return () => this.stop();
  }

  /** A topic that is another one by now, or none, is as one that went while we were reading. */
  private goOnFrom(checkpoint: Checkpoint): void {
    for (const name of this.options.topics) {
      const known = checkpoint.get(name);
      const topic = this.parts.store.topics.get(name);
      if (known?.id === undefined || known.id === String(topic?.id)) continue;
      this.gone.set(name, { id: known.id, offsets: new Map(known.offsets) });
    }
  }

  private async fixPositions(): Promise<void> {
    const { store } = this.parts;
    const cursors = this.missing();
    // What is there now starts where it was asked to, and what appears while that is looked up from its beginning.
    store.watchers.add(this.follow);
    await Promise.all(
      cursors.map(async (cursor) => {
        if (cursor.before !== undefined) return;
        cursor.position = await startOffset(store.records, cursor.partition, this.options.from);
      }),
    );
    if (this.isClosed) throw new TidegateError('TG_LOG_UNAVAILABLE', 'the reader was closed before it was live');
    for (const cursor of cursors) if (!cursor.partition.topic.deleted) this.fetcher.add(cursor);
  }

  /** Takes up partitions that came and lets go of those that went. */
  private readonly follow = (): void => {
    for (const [partition, cursor] of this.cursors) {
      if (!partition.topic.deleted) continue;
      this.remember(cursor);
      this.cursors.delete(partition);
      this.fetcher.remove(cursor);
    }
    for (const cursor of this.missing()) this.fetcher.add(cursor);
  };

  /** Cursors, at the beginning, for partitions that have none yet. */
  private missing(): Cursor[] {
    const added: Cursor[] = [];
    for (const name of new Set(this.options.topics)) {
      const topic = this.parts.store.topics.get(name);
      if (topic === undefined) continue;
      const gone = this.gone.get(name)?.offsets;
      for (const partition of topic.partitions) {
        if (this.cursors.has(partition) || !(this.options.partitions?.includes(partition.index) ?? true)) continue;
        const before = gone?.get(partition.index);
        const cursor = { partition, position: 0, paused: false, room: Number.POSITIVE_INFINITY, before };
        this.cursors.set(partition, cursor);
        added.push(cursor);
      }
    }
    return added;
  }

  private remember({ partition, position, before = position }: Cursor): void {
    const { id, name } = partition.topic;
    const known = this.gone.get(name) ?? { id: String(id), offsets: new Map<number, number>() };
    this.gone.set(name, known);
    known.offsets.set(partition.index, before);
  }

  private fail(error: unknown): void {
    const { subscriber } = this;
    const failure = asTidegateError(error, 'TG_LOG_UNAVAILABLE', 'reading the log');
    this.stop();
    subscriber?.error(failure);
  }

  private stop(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.parts.store.watchers.delete(this.follow);
    this.fetcher.stop();
    this.gaps.complete();
    this.parts.closed(this);
  }
}
