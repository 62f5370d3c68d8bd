import { Observable, Subject, type Subscriber } from 'rxjs';
import { Batch } from '../../../core/batch.ts';
import type { Clock } from '../../../core/clock.ts';
import { TidegateError } from '../../../core/errors.ts';
import type { Gap, GroupEvent, GroupMember, GroupOptions, TopicPartition } from '../../../core/log.ts';
import type { Message } from '../../../core/message.ts';
import type { Propagation } from '../../../core/propagation.ts';
import { isWithin } from '../../../core/waiting.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import type { Stats } from '../../../telemetry/stats.ts';
import { withoutTransactions } from '../../staging.ts';
import type { Compressor } from '../compression/compression.ts';
import type { Cluster } from '../connection/cluster.ts';
import { type FetchedPart, Fetcher } from '../fetch/fetcher.ts';
import type { TopicLimits } from '../produce/topic-limits.ts';
import type { Assignment } from '../wire/assignment-protocol.ts';
import { Commits } from './commits.ts';
import { CoordinatorClient } from './coordinator-client.ts';
import { CurrentAssignment } from './current-assignment.ts';
import { GroupOffsets } from './group-offsets.ts';
import { GroupTransactions } from './group-transactions.ts';
import { OwnedPartitions } from './owned-partitions.ts';
import { Participation } from './participation.ts';

const SESSION_TIMEOUT = 10_000;
const COMMIT_INTERVAL = 1_000;
const MAX_UNSETTLED = 4_096;
/** Leaving must not wait for a broker that is away. */
const LEAVE_TIMEOUT = 2_000;

export interface GroupParts {
  /** Joins wait here. The member's own, closed with it. */
  readonly coordination: Cluster;
  /** Fetches, offsets, metadata. The member's own, closed with it. */
  readonly data: Cluster;
  readonly logger: Logger;
  readonly stats: Stats;
  readonly clock: Clock;
  readonly propagation?: Propagation | undefined;
  /** For a member with transactions. */
  readonly writing?: WritingParts | undefined;
  /** Called once, at the end of `leave`. */
  readonly left: () => void;
}

/** What transactions are written with. */
export interface WritingParts {
  /** The member's own, closed with it. */
  readonly cluster: Cluster;
  readonly limits: TopicLimits;
  readonly compressor: Compressor | undefined;
}

/**
 * A member of a consumer group over kafkajs's protocol, with joins, positions and commits of our own: kafkajs's
 * consumer forgets positions at each rejoin, heartbeats only between fetches, and resumes and leaves only when a fetch ends.
 * Reading goes on while the group rebalances; only what a new assignment takes away stops.
 */
export class KafkaGroupMember implements GroupMember {
  readonly batches$: Observable<Batch>;
  readonly events$: Observable<GroupEvent>;
  readonly gaps$: Observable<Gap>;
  private readonly parts: GroupParts;
  private readonly coordinator: CoordinatorClient;
  private readonly participation: Participation;
  private readonly offsets: GroupOffsets;
  private readonly fetcher: Fetcher;
  private readonly events = new Subject<GroupEvent>();
  private readonly gaps = new Subject<Gap>();
  private readonly partitions: OwnedPartitions;
  private readonly commits: Commits;
  private readonly assignment: CurrentAssignment;
  private readonly transactions: GroupTransactions | undefined;
  private subscriber: Subscriber<Batch> | undefined;
  private started = false;
  private leaving: Promise<void> | undefined;

  constructor(options: GroupOptions, parts: GroupParts) {
    const { group, from, admit, state, topicIds = new Map(), coPartitioned = false } = options;
    const {
      sessionTimeout = SESSION_TIMEOUT,
      commitInterval = COMMIT_INTERVAL,
      maxUnsettled = MAX_UNSETTLED,
    } = options;
    const { logger, stats, clock } = parts;
    this.parts = parts;
    this.coordinator = new CoordinatorClient({ ...options, sessionTimeout }, parts.coordination, parts.data, clock);
    this.participation = new Participation(this.coordinator, this.asParticipant(), {
      group,
      sessionTimeout,
      logger,
      clock,
    });
    this.offsets = new GroupOffsets(group, from, parts.data);
    this.events$ = this.events.asObservable();
    this.gaps$ = this.gaps.asObservable();
    this.fetcher = new Fetcher(
      parts.data,
      {
        deliver: (part, messages) => this.deliver(part, messages),
        gap: (gap) => this.gaps.next(gap),
        moved: (part, move) => this.partitions.moved(part, move),
        refused: (reason) => this.events.next({ type: 'failed', reason }),
        metadata: () => undefined,
      },
      parts,
    );
    this.partitions = new OwnedPartitions(this.fetcher, { group, maxUnsettled, admit, state, stats, clock });
    this.commits = new Commits({
      group,
      interval: commitInterval,
      commit: () => this.commitSettled(),
      counter: stats.counter('tidegate_commits_total', { group }),
      clock,
      logger,
    });
    this.assignment = new CurrentAssignment(topicIds, {
      coordinator: this.coordinator,
      cluster: parts.data,
      fetcher: this.fetcher,
      offsets: this.offsets,
      partitions: this.partitions,
      commits: this.commits,
      isLeaving: () => this.leaving !== undefined,
      coPartitioned,
      assigned: (event) => this.events.next(event),
    });
    this.assignment.later = options.later ?? [];
    this.transactions = this.transactionsOf(options);
    this.batches$ = new Observable((subscriber) => this.start(subscriber));
  }

  subscribe(topics: readonly string[], later: readonly string[]): void {
    this.coordinator.topics = topics;
    this.assignment.later = later;
    this.participation.rejoin();
  }

  pause(partitions?: readonly TopicPartition[]): void {
    if (partitions !== undefined) this.partitions.pause(partitions, true);
    else {
      this.fetcher.hold(true);
      this.transactions?.hasten();
    }
  }

  resume(partitions?: readonly TopicPartition[]): void {
    if (this.started && this.subscriber === undefined) return;
    this.partitions.pause(partitions ?? [...this.partitions], false);
    if (partitions === undefined) this.fetcher.hold(false);
  }

  seek(place: TopicPartition, offset: number): void {
    this.partitions.seek(place, offset);
  }

  lag(): ReadonlyMap<string, ReadonlyMap<number, number>> {
    return this.partitions.lag();
  }

  sinceEnd(place: TopicPartition): number | undefined {
    return this.partitions.sinceEnd(place);
  }

  silentFor(): number {
    return this.coordinator.silentFor;
  }

  topicIds(): ReadonlyMap<string, string> {
    return this.assignment.ids;
  }

  write(topic: string, messages: readonly Message[]): void {
    if (this.transactions !== undefined) this.transactions.write(topic, messages);
    else for (const message of messages) message.nack(withoutTransactions());
  }

  commit(): Promise<void> {
    return this.commits.commit();
  }

  leave(): Promise<void> {
    this.leaving ??= this.depart();
    return this.leaving;
  }

  private start(subscriber: Subscriber<Batch>): () => void {
    if (this.started || this.leaving !== undefined) {
      subscriber.error(new TidegateError('TG_GROUP_FAILED', 'a member joins once; make a new one to join again'));
      return () => {};
    }
    this.started = true;
    this.subscriber = subscriber;
    this.events.next({ type: 'joining' });
    this.fetcher.start();
    this.transactions?.begin();
    this.commits.start();
    void this.participation.run();
    // What is in flight can still be settled. What is not taken would be fetched again at once, and again.
    return () => {
      this.subscriber = undefined;
      this.fetcher.hold(true);
    };
  }

  private asParticipant() {
    const member = this;
    return {
      get known() {
        return member.assignment.last;
      },
      adopt: (assignment: Assignment) => this.assignment.adopt(assignment),
      rebalancing: async () => {
        this.events.next({ type: 'rebalancing' });
        await this.commits.tryToCommit();
      },
      dropped: async () => {
        this.events.next({ type: 'joining' });
        await this.commits.tryToCommit();
      },
      failed: (reason: GroupFailure) => this.events.next({ type: 'failed', reason }),
      sawNewPartitions: () => this.assignment.isOutdated,
    };
  }

  private transactionsOf({ group, transactions, state }: GroupOptions): GroupTransactions | undefined {
    const { writing } = this.parts;
    if (transactions === undefined || writing === undefined) return undefined;
    return new GroupTransactions(transactions, {
      ...this.parts,
      ...writing,
      group,
      coordinator: this.coordinator,
      offsets: this.offsets,
      partitions: this.partitions,
      fetcher: this.fetcher,
      commits: () => this.commits,
      hasState: state !== undefined,
      failed: (reason) => this.subscriber?.error(reason),
    });
  }

  private commitSettled(): Promise<boolean> {
    if (this.transactions !== undefined) return this.transactions.commit();
    // Nothing of a topic that is known to be gone.
    this.fetcher.checkIds();
    return this.offsets.commit(this.partitions, (place) => this.fetcher.part(place), this.coordinator);
  }

  private deliver(part: FetchedPart, messages: Message[]): number {
    if (this.subscriber === undefined) return 0;
    const taken = this.partitions.take(part, messages);
    if (taken.length > 0) this.subscriber.next(new Batch(taken));
    return taken.length;
  }

  private async depart(): Promise<void> {
    this.participation.stop();
    this.fetcher.close();
    this.commits.stop();
    await isWithin(this.parts.clock, LEAVE_TIMEOUT, this.sayGoodbye());
    this.transactions?.close();
    for (const owned of [...this.partitions]) this.partitions.giveUp(owned);
    this.parts.coordination.close();
    this.parts.data.close();
    this.parts.writing?.cluster.close();
    this.events.next({ type: 'left' });
    this.events.complete();
    this.gaps.complete();
    this.subscriber?.complete();
    this.parts.left();
  }

  private async sayGoodbye(): Promise<void> {
    if (!this.started) return;
    await this.commits.tryToCommit();
    await this.coordinator.leave().catch(() => undefined);
  }
}

type GroupFailure = Extract<GroupEvent, { type: 'failed' }>['reason'];
