import { Observable, Subject, type Subscriber } from 'rxjs';
import { Batch } from '../../core/batch.ts';
import type { Clock } from '../../core/clock.ts';
import type { Gap, GroupEvent, GroupMember, GroupOptions, TopicPartition } from '../../core/log.ts';
import type { Message } from '../../core/message.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Stats } from '../../telemetry/stats.ts';
import type { Dealt } from './assignment-protocol.ts';
import type { Cluster } from './cluster.ts';
import { Commits } from './commits.ts';
import { type Committed, isOf } from './committed.ts';
import { type FetchedPart, Fetcher } from './fetcher.ts';
import { GroupOffsets, keyOf } from './group-offsets.ts';
import { Membership } from './membership.ts';
import type { OwnedPartition } from './owned-partition.ts';
import { OwnedPartitions } from './owned-partitions.ts';
import { Participation } from './participation.ts';
import { KAFKA } from './protocol-errors.ts';

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
  /** Called once, at the end of `leave`. */
  readonly left: () => void;
}

/**
 * A member of a consumer group over kafkajs's protocol, with membership, positions and commits of our own: kafkajs's
 * consumer forgets positions at each rejoin, heartbeats only between fetches, and resumes and leaves only when a fetch ends.
 * Reading goes on while the group rebalances; only what a new assignment takes away stops.
 */
export class KafkaGroupMember implements GroupMember {
  readonly batches$: Observable<Batch>;
  readonly events$: Observable<GroupEvent>;
  readonly gaps$: Observable<Gap>;
  private readonly parts: GroupParts;
  private readonly membership: Membership;
  private readonly participation: Participation;
  private readonly offsets: GroupOffsets;
  private readonly fetcher: Fetcher;
  private readonly events = new Subject<GroupEvent>();
  private readonly gaps = new Subject<Gap>();
  private readonly partitions: OwnedPartitions;
  private readonly commits: Commits;
  /** Partitions and ids of the topics, as of the last deal. */
  private counts: ReadonlyMap<string, number> = new Map();
  private ids: ReadonlyMap<string, string>;
  private subscriber: Subscriber<Batch> | undefined;
  private started = false;
  private leaving: Promise<void> | undefined;

  constructor(options: GroupOptions, parts: GroupParts) {
    const { group, from, admit, topicIds = new Map() } = options;
    const {
      sessionTimeout = SESSION_TIMEOUT,
      commitInterval = COMMIT_INTERVAL,
      maxUnsettled = MAX_UNSETTLED,
    } = options;
    const { logger, stats, clock } = parts;
    this.parts = parts;
    this.ids = topicIds;
    this.membership = new Membership({ ...options, sessionTimeout }, parts.coordination, parts.data, clock);
    this.participation = new Participation(this.membership, this.asParticipant(), {
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
        moved: (part, isRecreated) => this.partitions.moved(part, isRecreated),
        refused: (reason) => this.events.next({ type: 'failed', reason }),
        metadata: () => undefined,
      },
      parts,
    );
    this.partitions = new OwnedPartitions(this.fetcher, { group, maxUnsettled, admit, stats, clock });
    this.commits = new Commits({
      group,
      interval: commitInterval,
      commit: () => this.commitSettled(),
      counter: stats.counter('tidegate_commits_total', { group }),
      clock,
      logger,
    });
    this.batches$ = new Observable((subscriber) => {
      this.subscriber = subscriber;
      this.start();
      return () => {
        this.subscriber = undefined;
      };
    });
  }

  pause(partitions?: readonly TopicPartition[]): void {
    if (partitions === undefined) this.fetcher.hold(true);
    else this.partitions.pause(partitions, true);
  }

  resume(partitions?: readonly TopicPartition[]): void {
    this.partitions.pause(partitions ?? [...this.partitions], false);
    if (partitions === undefined) this.fetcher.hold(false);
  }

  seek(place: TopicPartition, offset: number): void {
    this.partitions.seek(place, offset);
  }

  lag(): ReadonlyMap<string, ReadonlyMap<number, number>> {
    return this.partitions.lag();
  }

  lastSeen(): number {
    return this.membership.lastSeen;
  }

  topicIds(): ReadonlyMap<string, string> {
    return this.ids;
  }

  commit(): Promise<void> {
    return this.commits.commit();
  }

  leave(): Promise<void> {
    this.leaving ??= this.depart();
    return this.leaving;
  }

  private start(): void {
    if (this.started || this.leaving !== undefined) return;
    this.started = true;
    this.events.next({ type: 'joining' });
    this.fetcher.start();
    this.commits.start();
    void this.participation.run();
  }

  private asParticipant() {
    const member = this;
    return {
      get known() {
        const { partitions, counts, ids } = member;
        return { owned: [...partitions], counts, ids };
      },
      adopt: (dealt: Dealt) => this.adopt(dealt),
      rebalancing: async () => {
        this.events.next({ type: 'rebalancing' });
        await this.commits.tryToCommit();
      },
      dropped: async () => {
        this.events.next({ type: 'joining' });
        await this.commits.tryToCommit();
      },
      failed: (reason: GroupFailure) => this.events.next({ type: 'failed', reason }),
      sawNewPartitions: () => this.sawNewPartitions(),
    };
  }

  private sawNewPartitions(): boolean {
    for (const [topic, count] of this.counts) {
      const view = this.parts.data.topic(topic);
      if (view?.code !== KAFKA.NONE) continue;
      if (view.partitions.length !== count || (view.id ?? this.ids.get(topic)) !== this.ids.get(topic)) return true;
    }
    return false;
  }

  /**
   * Acts on the difference alone: a partition that stays is read on as if nothing had happened. One that goes is given up
   * once what is in flight of it is settled and committed; resolves with whether others wait for that.
   */
  private async adopt(dealt: Dealt): Promise<boolean> {
    if (this.membership.joinedAnew) this.commits.isSure = false;
    const going = this.partitions.keepReading(dealt.partitions);
    const committed = await this.offsets.committed([...dealt.partitions, ...going]);
    const starts = await this.offsets.starts(dealt, committed);
    this.fetcher.checkIds();
    const offsetOf = (place: TopicPartition) => this.offsetIn(committed, place);
    const lost = [...this.partitions].filter((owned) => !owned.isStillOurs(offsetOf(owned)));
    for (const owned of lost) this.partitions.giveUp(owned);
    this.commits.isSure = true;
    const left = going.filter((owned) => !lost.includes(owned));
    await this.letGo(left);
    if (this.leaving !== undefined) return false;
    this.counts = dealt.counts;
    this.ids = dealt.ids;
    for (const owned of left) this.partitions.giveUp(owned);
    const added = dealt.partitions.filter((place) => !this.partitions.has(place));
    const gained = added.map((place) => {
      const start = starts.get(keyOf(place)) ?? { offset: 0, id: undefined };
      return { owned: this.partitions.add(place, start.offset, committed.get(keyOf(place))?.offset), start };
    });
    this.events.next({
      type: 'assigned',
      generation: this.membership.generation,
      partitions: dealt.partitions,
      added,
      removed: [...lost, ...left].map(({ topic, partition }) => ({ topic, partition })),
      members: dealt.members,
    });
    for (const { owned, start } of gained) this.partitions.read(owned, start.offset, start.id);
    this.fetcher.checkIds();
    // The start too, so that whoever gets the partition next does not look for one of its own.
    await this.commits.tryToCommit();
    return dealt.isPartial && going.length > 0;
  }

  /** What the group has committed of the topic that a partition is read of, as far as that is the one of the commit. */
  private offsetIn(committed: ReadonlyMap<string, Committed>, place: TopicPartition): number | undefined {
    const found = committed.get(keyOf(place));
    return found !== undefined && isOf(this.fetcher.part(place)?.id, found) ? found.offset : undefined;
  }

  private commitSettled(): Promise<boolean> {
    // Nothing of a topic that is known to be gone.
    this.fetcher.checkIds();
    return this.offsets.commit(this.partitions, (place) => this.fetcher.part(place), this.membership);
  }

  private async letGo(going: readonly OwnedPartition[]): Promise<void> {
    if (going.length === 0) return;
    await this.partitions.quiet(going);
    await this.commits.tryToCommit();
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
    let cancel: (() => void) | undefined;
    const late = new Promise<void>((resolve) => {
      cancel = this.parts.clock.after(LEAVE_TIMEOUT, resolve);
    });
    await Promise.race([this.sayGoodbye(), late]);
    cancel?.();
    for (const owned of [...this.partitions]) this.partitions.giveUp(owned);
    this.parts.coordination.close();
    this.parts.data.close();
    this.events.next({ type: 'left' });
    this.events.complete();
    this.gaps.complete();
    this.subscriber?.complete();
    this.parts.left();
  }

  private async sayGoodbye(): Promise<void> {
    if (!this.started) return;
    await this.commits.tryToCommit();
    await this.membership.leave().catch(() => undefined);
  }
}

type GroupFailure = Extract<GroupEvent, { type: 'failed' }>['reason'];
