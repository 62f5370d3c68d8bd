import { Observable, Subject, type Subscriber } from 'rxjs';
import type { Batch } from '../../../core/batch.ts';
import type { Clock } from '../../../core/clock.ts';
import { asTidegateError, TidegateError } from '../../../core/errors.ts';
import type { Gap, GroupEvent, GroupMember, GroupOptions, GroupStart, TopicPartition } from '../../../core/log.ts';
import type { Message } from '../../../core/message.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import type { Stats } from '../../../telemetry/stats.ts';
import type { GroupCommit } from '../../group-commit.ts';
import { withoutTransactions } from '../../staging.ts';
import { Fetcher } from '../fetch/fetcher.ts';
import type { Store } from '../records/store.ts';
import type { PartitionState } from '../records/topic-state.ts';
import type { CoordinatedMember, GroupCoordinator, Share } from './coordinator.ts';
import { GroupTransactions, type WritingParts } from './group-transactions.ts';
import type { Held } from './held-partition.ts';
import { HeldPartitions, named } from './held-partitions.ts';

const COMMIT_INTERVAL = 1_000;
const REJOIN_PAUSE = 1_000;

export interface MemberParts {
  readonly store: Store;
  readonly coordinator: GroupCoordinator;
  readonly logger: Logger;
  readonly stats: Stats;
  readonly clock: Clock;
  readonly left: (member: EmbeddedMember) => void;
  readonly writing: WritingParts;
}

/** A member of a group of the embedded log. */
export class EmbeddedMember implements GroupMember, CoordinatedMember {
  readonly batches$: Observable<Batch>;
  readonly group: string;
  topics: ReadonlySet<string>;
  later: ReadonlySet<string>;
  readonly from: GroupStart;
  readonly label: string | undefined;
  readonly coPartitioned: boolean;
  private readonly events = new Subject<GroupEvent>();
  readonly events$ = this.events.asObservable();
  private readonly gaps = new Subject<Gap>();
  readonly gaps$ = this.gaps.asObservable();
  private readonly options: GroupOptions;
  private readonly parts: MemberParts;
  private readonly fetcher: Fetcher<Held>;
  private readonly held: HeldPartitions;
  private readonly ids: Map<string, string>;
  private removed: TopicPartition[] = [];
  private readonly transactions: GroupTransactions | undefined;
  private subscriber: Subscriber<Batch> | undefined;
  private hasJoined = false;
  private hasLeft = false;
  private cancelTimer: () => void = () => {};

  constructor(options: GroupOptions, parts: MemberParts) {
    this.options = options;
    this.parts = parts;
    this.group = options.group;
    this.topics = new Set(options.topics);
    this.later = new Set(options.later);
    this.from = options.from;
    this.label = options.label;
    this.coPartitioned = options.coPartitioned === true;
    this.ids = new Map(options.topicIds);
    this.fetcher = new Fetcher<Held>(parts.store.records, parts.stats, {
      batch: (batch, held) => {
        held.took(batch.messages);
        this.subscriber?.next(batch);
      },
      gap: (gap, held) => {
        this.held.overGap(gap, held);
        this.gaps.next(gap);
      },
      failed: (error) => this.fail(error),
    });
    this.held = new HeldPartitions(options, parts.store, parts.stats, this.fetcher);
    this.transactions = this.transactionsOf(options);
    this.batches$ = new Observable((subscriber) => this.join(subscriber));
  }

  subscribe(topics: readonly string[], later: readonly string[]): void {
    this.topics = new Set(topics);
    this.later = new Set(later);
    if (this.hasJoined && !this.hasLeft) this.parts.coordinator.rejoin();
  }

  pause(partitions?: readonly TopicPartition[]): void {
    if (partitions !== undefined) for (const one of partitions) this.held.pause(one, true);
    else {
      this.fetcher.pause();
      this.transactions?.hasten();
    }
  }

  resume(partitions?: readonly TopicPartition[]): void {
    if (this.hasJoined && this.subscriber === undefined) return;
    if (partitions !== undefined) {
      for (const one of partitions) this.held.pause(one, false);
      this.fetcher.wake();
      return;
    }
    this.held.resumeAll();
    this.fetcher.resume();
  }

  seek(partition: TopicPartition, offset: number): void {
    this.held.seek(partition, offset);
  }

  lag(): ReadonlyMap<string, ReadonlyMap<number, number>> {
    return this.held.lag();
  }

  /** What others write is known here at once. */
  sinceEnd(partition: TopicPartition): number | undefined {
    return this.held.find(partition)?.isAtEnd === true ? 0 : undefined;
  }

  /** All members live in this process. */
  silentFor(): number {
    return 0;
  }

  topicIds(): ReadonlyMap<string, string> {
    return this.ids;
  }

  write(topic: string, messages: readonly Message[]): void {
    if (this.transactions !== undefined) this.transactions.write(topic, messages);
    else for (const message of messages) message.nack(withoutTransactions());
  }

  async commit(): Promise<void> {
    if (this.hasLeft) return;
    try {
      if (this.transactions === undefined) await this.parts.coordinator.commit(this.held.settled());
      else await this.transactions.commit();
    } catch (error) {
      throw asTidegateError(error, 'TG_LOG_UNAVAILABLE', `committing offsets of ${this.options.group}`);
    }
  }

  async leave(): Promise<void> {
    if (this.hasLeft) return;
    this.hasLeft = true;
    this.cancelTimer();
    this.fetcher.pause();
    await this.transactions?.end();
    this.parts.coordinator.leave(this);
    this.fetcher.stop();
    try {
      await this.parts.coordinator.commit(new Map());
    } catch (error) {
      this.parts.logger.warn({ group: this.options.group, error }, 'the last offsets could not be committed');
    } finally {
      this.events.next({ type: 'left' });
      this.events.complete();
      this.gaps.complete();
      this.subscriber?.complete();
      this.parts.left(this);
    }
  }

  /** Ends as if its process had: nothing more is committed, and nothing is heard of it. */
  cut(): void {
    if (this.hasLeft) return;
    this.hasLeft = true;
    this.cancelTimer();
    this.fetcher.stop();
    this.parts.coordinator.lose(this);
    this.parts.left(this);
  }

  rebalancing(): void {
    this.events.next({ type: 'rebalancing' });
  }

  revoke(partitions: readonly PartitionState[]): ReadonlyMap<PartitionState, GroupCommit> {
    const isHeld = partitions.filter((partition) => this.held.has(partition));
    this.removed.push(...isHeld.map(named));
    // With transactions, what counts as settled may wait for one: the next owner reads it again.
    return this.held.revoke(isHeld, this.transactions === undefined);
  }

  assign({ generation, partitions, starts, before, members }: Share): void {
    for (const name of this.topics) {
      const topic = this.parts.store.topics.get(name);
      if (topic !== undefined) this.ids.set(name, String(topic.id));
    }
    const added = partitions.filter((partition) => !this.held.has(partition));
    for (const partition of added)
      this.held.assign(partition, starts.get(partition) ?? { offset: partition.start }, before.get(partition));
    const { removed } = this;
    this.removed = [];
    this.events.next({
      type: 'assigned',
      generation,
      partitions: partitions.map(named),
      added: added.map(named),
      removed,
      members,
    });
    this.fetcher.start();
  }

  private transactionsOf({ transactions, group, state }: GroupOptions): GroupTransactions | undefined {
    if (transactions === undefined) return undefined;
    return new GroupTransactions(transactions, {
      ...this.parts,
      ...this.parts.writing,
      group,
      settled: () => this.held.settled(),
      commit: () => this.commit(),
      hasState: state !== undefined,
      failed: (reason) => this.subscriber?.error(reason),
    });
  }

  private join(subscriber: Subscriber<Batch>): () => void {
    if (this.hasJoined || this.hasLeft) {
      subscriber.error(new TidegateError('TG_GROUP_FAILED', 'a member joins once; make a new one to join again'));
      return () => {};
    }
    this.hasJoined = true;
    this.subscriber = subscriber;
    this.events.next({ type: 'joining' });
    this.parts.coordinator.join(this);
    this.commitLater();
    // What is in flight can still be settled; `leave` gives the partitions up.
    return () => {
      this.subscriber = undefined;
      this.fetcher.pause();
    };
  }

  private commitLater(): void {
    const { clock, logger } = this.parts;
    this.cancelTimer = clock.after(this.options.commitInterval ?? COMMIT_INTERVAL, () => {
      this.commit()
        .catch((error) => logger.warn({ group: this.options.group, error }, 'offsets could not be committed'))
        .finally(() => {
          if (!this.hasLeft) this.commitLater();
        });
    });
  }

  private fail(error: unknown): void {
    const reason = asTidegateError(error, 'TG_GROUP_FAILED', `reading for the group ${this.options.group}`);
    this.events.next({ type: 'failed', reason });
    this.parts.clock.after(REJOIN_PAUSE, () => {
      if (this.hasLeft) return;
      this.events.next({ type: 'joining' });
      this.parts.coordinator.rejoin();
    });
  }
}
