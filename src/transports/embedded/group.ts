import { Observable, Subject, type Subscriber } from 'rxjs';
import type { Batch } from '../../core/batch.ts';
import type { Clock } from '../../core/clock.ts';
import { asTidegateError, TidegateError } from '../../core/errors.ts';
import type { Gap, GroupEvent, GroupMember, GroupOptions, GroupStart, TopicPartition } from '../../core/log.ts';
import type { Message } from '../../core/message.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Stats } from '../../telemetry/stats.ts';
import type { GroupCommit } from '../group-commit.ts';
import { Replay } from '../replay.ts';
import { withoutTransactions } from '../staging.ts';
import type { CoordinatedMember, GroupCoordinator, Share } from './coordinator.ts';
import { Fetcher } from './fetcher.ts';
import { GroupTransactions, type WritingParts } from './group-transactions.ts';
import { Held } from './held-partition.ts';
import type { Store } from './store.ts';
import type { PartitionState } from './topic-state.ts';

const COMMIT_INTERVAL = 1_000;
const MAX_UNSETTLED = 4_096;
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
  private readonly held = new Map<PartitionState, Held>();
  private readonly lagGauges = new Map<PartitionState, () => void>();
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
      gap: (gap, held) => this.overGap(gap, held),
      failed: (error) => this.fail(error),
    });
    this.transactions = this.transactionsOf(options);
    this.batches$ = new Observable((subscriber) => this.join(subscriber));
  }

  subscribe(topics: readonly string[], later: readonly string[]): void {
    this.topics = new Set(topics);
    this.later = new Set(later);
    if (this.hasJoined && !this.hasLeft) this.parts.coordinator.rejoin();
  }

  pause(partitions?: readonly TopicPartition[]): void {
    if (partitions !== undefined) for (const one of partitions) this.hold(one, true);
    else {
      this.fetcher.pause();
      this.transactions?.hasten();
    }
  }

  resume(partitions?: readonly TopicPartition[]): void {
    if (this.hasJoined && this.subscriber === undefined) return;
    if (partitions !== undefined) {
      for (const one of partitions) this.hold(one, false);
      this.fetcher.wake();
      return;
    }
    for (const held of this.held.values()) held.paused = false;
    this.fetcher.resume();
  }

  seek(partition: TopicPartition, offset: number): void {
    const before = this.find(partition);
    if (before !== undefined) this.renew(before, offset);
  }

  lag(): ReadonlyMap<string, ReadonlyMap<number, number>> {
    const lag = new Map<string, Map<number, number>>();
    for (const { partition, lag: behind } of this.held.values()) {
      if (behind === undefined) continue;
      const { name } = partition.topic;
      const ofTopic = lag.get(name) ?? new Map<number, number>();
      lag.set(name, ofTopic.set(partition.index, behind));
    }
    return lag;
  }

  /** What others write is known here at once. */
  sinceEnd(partition: TopicPartition): number | undefined {
    return this.find(partition)?.isAtEnd === true ? 0 : undefined;
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
      if (this.transactions === undefined) await this.parts.coordinator.commit(this.settled());
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

  rebalancing(): void {
    this.events.next({ type: 'rebalancing' });
  }

  revoke(partitions: readonly PartitionState[]): ReadonlyMap<PartitionState, GroupCommit> {
    const going = partitions.flatMap((partition) => this.held.get(partition) ?? []);
    const settled = new Map<PartitionState, GroupCommit>();
    // Of all before any of them goes: what one may commit can depend on another.
    for (const held of going) {
      const { partition } = held;
      const commit = partition.topic.deleted ? { offset: held.before ?? held.position } : held.commit;
      // With transactions, what counts as settled may wait for one: the next owner reads it again.
      const isDone = this.transactions === undefined || partition.topic.deleted;
      if (commit !== undefined && isDone) settled.set(partition, commit);
    }
    for (const held of going) {
      const { partition } = held;
      this.drop(held);
      held.isLost = true;
      held.replay.revoked();
      this.lagGauges.get(partition)?.();
      this.lagGauges.delete(partition);
      this.removed.push(named(partition));
    }
    return settled;
  }

  assign({ generation, partitions, starts, before, members }: Share): void {
    for (const name of this.topics) {
      const topic = this.parts.store.topics.get(name);
      if (topic !== undefined) this.ids.set(name, String(topic.id));
    }
    const added = partitions.filter((partition) => !this.held.has(partition));
    for (const partition of added) {
      const replay = this.begin(partition, starts.get(partition) ?? { offset: partition.start });
      this.take(partition, replay, replay.start).before = before.get(partition);
      this.lagGauges.set(partition, this.gauge(partition));
    }
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
      settled: () => this.settled(),
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

  private settled(): ReadonlyMap<PartitionState, GroupCommit> {
    const settled = new Map<PartitionState, GroupCommit>();
    for (const held of this.held.values()) {
      const commit = held.partition.topic.deleted ? undefined : held.commit;
      if (commit !== undefined) settled.set(held.partition, commit);
    }
    return settled;
  }

  private begin(partition: PartitionState, committed: GroupCommit): Replay {
    return new Replay(this.options.state, named(partition), committed);
  }

  private take(partition: PartitionState, replay: Replay, position: number): Held {
    const { maxUnsettled: most = MAX_UNSETTLED, admit } = this.options;
    const held = new Held(partition, replay, position, { most, admit, hasRoomAgain: this.fetcher.wake });
    this.held.set(partition, held);
    this.fetcher.add(held);
    return held;
  }

  private renew(held: Held, position: number, replay = held.replay): void {
    this.drop(held);
    this.take(held.partition, replay, position).paused = held.paused;
  }

  private drop(held: Held): void {
    held.isStale = true;
    this.held.delete(held.partition);
    this.fetcher.remove(held);
  }

  /** What is in flight from in front of a gap is gone from the log, and cannot be read again: counting begins anew. */
  private overGap(gap: Gap, held: Held): void {
    // The group was beyond the end: what comes now is not what it had processed.
    const isBack = gap.to < gap.from && gap.recreated !== true;
    if (isBack) held.replay.isOver = true;
    this.renew(held, gap.to, isBack ? this.begin(held.partition, { offset: gap.to }) : held.replay);
    this.gaps.next(gap);
  }

  private gauge(partition: PartitionState): () => void {
    const labels = { topic: partition.topic.name, partition: String(partition.index), group: this.options.group };
    return this.parts.stats.gauge('tidegate_consumer_lag', labels, () => {
      const held = this.held.get(partition);
      return held === undefined ? 0 : Math.max(0, partition.end - held.committable);
    });
  }

  private hold(partition: TopicPartition, paused: boolean): void {
    const held = this.find(partition);
    if (held !== undefined) held.paused = paused;
  }

  private find({ topic, partition }: TopicPartition): Held | undefined {
    const state = this.parts.store.topics.get(topic)?.partitions[partition];
    return state === undefined ? undefined : this.held.get(state);
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

function named({ topic, index }: PartitionState): TopicPartition {
  return { topic: topic.name, partition: index };
}
