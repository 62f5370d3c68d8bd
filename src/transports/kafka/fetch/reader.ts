import { Observable, Subject, type Subscriber } from 'rxjs';
import { Batch } from '../../../core/batch.ts';
import type { Clock } from '../../../core/clock.ts';
import { TidegateError } from '../../../core/errors.ts';
import type { Checkpoint, Gap, Reader, ReaderOptions, TopicPartition } from '../../../core/log.ts';
import type { Message } from '../../../core/message.ts';
import type { Propagation } from '../../../core/propagation.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import type { Stats } from '../../../telemetry/stats.ts';
import type { Cluster } from '../connection/cluster.ts';
import { brokerError, isRefused, KAFKA, logError } from '../wire/protocol-errors.ts';
import { type FetchedPart, Fetcher } from './fetcher.ts';
import { startOffsets } from './offsets.ts';

const INITIAL_PAUSE = 50;
const MAX_PAUSE = 1_000;
/** A topic counts as not there when so many looks in a row did not find it. */
const MISSING_LOOKS = 4;

export interface ReaderParts {
  readonly cluster: Cluster;
  readonly logger: Logger;
  readonly stats: Stats;
  readonly clock: Clock;
  readonly propagation?: Propagation | undefined;
  /** Called once, at the end of `close`. */
  readonly closed: () => void;
}

/** Reads without a group over a fetch loop of its own. */
export class KafkaReader implements Reader {
  readonly batches$: Observable<Batch>;
  readonly live: Promise<void>;
  readonly gaps$: Observable<Gap>;
  private readonly options: ReaderOptions;
  private readonly parts: ReaderParts;
  private readonly fetcher: Fetcher;
  private readonly gaps = new Subject<Gap>();
  private subscriber: Subscriber<Batch> | undefined;
  private isLive = false;
  private failure: TidegateError | undefined;
  private closed = false;

  constructor(options: ReaderOptions, parts: ReaderParts) {
    this.options = options;
    this.parts = parts;
    this.gaps$ = this.gaps.asObservable();
    this.fetcher = new Fetcher(
      parts.cluster,
      {
        deliver: (_part, messages) => this.deliver(messages),
        gap: (gap) => this.gaps.next(gap),
        moved: () => undefined,
        refused: (failure) => this.subscriber?.error(failure),
        metadata: () => this.adoptNewPartitions(),
      },
      parts,
    );
    this.batches$ = new Observable((subscriber) => {
      if (this.failure !== undefined) {
        subscriber.error(this.failure);
        return undefined;
      }
      this.subscriber = subscriber;
      if (this.isLive) this.fetcher.start();
      return () => {
        this.subscriber = undefined;
        this.fetcher.close();
      };
    });
    if (typeof options.from === 'object' && 'checkpoint' in options.from) this.goOnFrom(options.from.checkpoint);
    this.live = this.fixPositions();
    // Callers may ignore `live`: the failure also ends batches$.
    this.live.catch((failure: TidegateError) => {
      this.failure = failure;
      this.subscriber?.error(failure);
    });
  }

  pause(): void {
    this.fetcher.hold(true);
  }

  resume(): void {
    this.fetcher.hold(false);
  }

  leave({ topic, partition }: TopicPartition): void {
    this.fetcher.pause(topic, partition, true);
  }

  positions(): ReadonlyMap<string, ReadonlyMap<number, number>> {
    return positionsOf(this.fetcher.assigned());
  }

  checkpoint(): Checkpoint {
    const ids = new Map<string, string | undefined>();
    for (const { topic, id } of this.fetcher.assigned()) ids.set(topic, id);
    return new Map([...this.positions()].map(([topic, offsets]) => [topic, { id: ids.get(topic), offsets }]));
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.fetcher.close();
    this.subscriber?.complete();
    this.gaps.complete();
    this.parts.closed();
  }

  /** With the ids as they were: that a topic is another one by now is found out by the first look at it. */
  private goOnFrom(checkpoint: Checkpoint): void {
    for (const topic of this.options.topics) {
      const { id, offsets } = checkpoint.get(topic) ?? {};
      for (const [partition, offset] of offsets ?? [])
        if (this.isWanted(partition)) this.fetcher.assign(topic, partition, offset, { id });
    }
  }

  /** Tries until every partition has a position, or the log refuses. A topic that is not there has none yet, and is read from 0 once it is. */
  private async fixPositions(): Promise<void> {
    const missing = new Map<string, number>();
    for (let pause = INITIAL_PAUSE; !this.closed; pause = Math.min(pause * 2, MAX_PAUSE)) {
      try {
        await this.parts.cluster.refresh(this.options.topics);
        const states = await Promise.all(this.options.topics.map((topic) => this.fixTopic(topic, missing)));
        if (states.every((fixed) => fixed)) return this.goLive();
      } catch (error) {
        if (error instanceof TidegateError && error.next === 'reject') throw error;
        this.parts.logger.debug({ reason: String(error) }, 'start positions could not be read yet');
      }
      await new Promise<void>((resolve) => this.parts.clock.after(pause, resolve));
    }
    throw new TidegateError('TG_LOG_UNAVAILABLE', 'the reader was closed before it was live');
  }

  private async fixTopic(topic: string, missing: Map<string, number>): Promise<boolean> {
    const { cluster } = this.parts;
    const view = cluster.topic(topic);
    if (view?.code === KAFKA.UNKNOWN_TOPIC_OR_PARTITION) {
      const looks = (missing.get(topic) ?? 0) + 1;
      missing.set(topic, looks);
      if (looks === MISSING_LOOKS) this.parts.logger.warn({ topic }, `topic ${topic} does not exist yet`);
      return looks >= MISSING_LOOKS;
    }
    missing.delete(topic);
    if (view !== undefined && isRefused(view.code)) throw logError(brokerError(view.code), `topic ${topic}`);
    if (view === undefined || view.code !== KAFKA.NONE) return false;
    const partitions = view.partitions.map(({ partition }) => partition).filter((one) => this.isMissing(topic, one));
    const offsets = await startOffsets(cluster, topic, partitions, this.options.from);
    // The id from before the offsets: should they be of a topic that came since, it is read from its first record.
    for (const [partition, offset] of offsets) this.fetcher.assign(topic, partition, offset, { id: view.id });
    return true;
  }

  private goLive(): void {
    this.isLive = true;
    if (this.subscriber !== undefined) this.fetcher.start();
  }

  private adoptNewPartitions(): void {
    for (const topic of this.options.topics) {
      const view = this.parts.cluster.topic(topic);
      if (view?.code !== KAFKA.NONE) continue;
      for (const { partition } of view.partitions) {
        if (this.isMissing(topic, partition)) this.fetcher.assign(topic, partition, 0, { id: view.id });
      }
    }
  }

  private isMissing(topic: string, partition: number): boolean {
    return this.isWanted(partition) && !this.fetcher.has(topic, partition);
  }

  private isWanted(partition: number): boolean {
    return this.options.partitions?.includes(partition) ?? true;
  }

  private deliver(messages: Message[]): number {
    this.subscriber?.next(new Batch(messages));
    return messages.length;
  }
}

function positionsOf(parts: Iterable<FetchedPart>): Map<string, Map<number, number>> {
  const positions = new Map<string, Map<number, number>>();
  for (const { topic, partition, position } of parts) {
    const partitions = positions.get(topic);
    if (partitions === undefined) positions.set(topic, new Map([[partition, position]]));
    else partitions.set(partition, position);
  }
  return positions;
}
