import { Observable, Subject, type Subscriber } from 'rxjs';
import { Batch } from '../../core/batch.ts';
import type { Clock } from '../../core/clock.ts';
import { TidegateError } from '../../core/errors.ts';
import type { Gap, GroupEvent, GroupMember, GroupOptions, TopicPartition } from '../../core/log.ts';
import type { Message } from '../../core/message.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Counter, Stats } from '../../telemetry/stats.ts';
import { fetchCommitted } from './admin.ts';
import type { Dealt } from './assignment-protocol.ts';
import type { Cluster } from './cluster.ts';
import { type FetchedPart, Fetcher } from './fetcher.ts';
import { Membership } from './membership.ts';
import { startOffsets } from './offsets.ts';
import { OwnedPartition } from './owned-partition.ts';
import { patiently } from './patience.ts';
import { KAFKA, kafkaCode, logError } from './protocol-errors.ts';

const SESSION_TIMEOUT = 10_000;
const COMMIT_INTERVAL = 1_000;
const MAX_UNSETTLED = 4_096;
const HEARTBEAT_INTERVAL = 1_000;
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 1_000;
/** After a refusal that only a person can lift. */
const REFUSED_PAUSE = 5_000;
/** Leaving must not wait for a broker that is away. */
const LEAVE_TIMEOUT = 2_000;

/** Answers that waiting alone does not change. */
const REFUSALS: ReadonlySet<number> = new Set([
  KAFKA.GROUP_AUTHORIZATION_FAILED,
  KAFKA.TOPIC_AUTHORIZATION_FAILED,
  KAFKA.INCONSISTENT_GROUP_PROTOCOL,
  KAFKA.INVALID_SESSION_TIMEOUT,
  KAFKA.INVALID_GROUP_ID,
]);

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
  private readonly options: Required<GroupOptions>;
  private readonly parts: GroupParts;
  private readonly membership: Membership;
  private readonly fetcher: Fetcher;
  private readonly events = new Subject<GroupEvent>();
  private readonly gaps = new Subject<Gap>();
  private readonly owned = new Map<string, OwnedPartition>();
  private readonly lagGauges = new Map<string, () => void>();
  private readonly commits: Counter;
  private counts: ReadonlyMap<string, number> = new Map();
  private subscriber: Subscriber<Batch> | undefined;
  private committing: Promise<void> = Promise.resolve();
  private started = false;
  private leaving: Promise<void> | undefined;
  private wake: (() => void) | undefined;
  private cancelCommit: (() => void) | undefined;

  constructor(options: GroupOptions, parts: GroupParts) {
    this.options = {
      sessionTimeout: SESSION_TIMEOUT,
      commitInterval: COMMIT_INTERVAL,
      maxUnsettled: MAX_UNSETTLED,
      ...options,
    };
    this.parts = parts;
    this.membership = new Membership(this.options, parts.coordination, parts.data);
    this.commits = parts.stats.counter('tidegate_commits_total', { group: options.group });
    this.events$ = this.events.asObservable();
    this.gaps$ = this.gaps.asObservable();
    this.fetcher = new Fetcher(
      parts.data,
      {
        deliver: (part, messages) => this.deliver(part, messages),
        gap: (gap) => this.countGap(gap),
        refused: (reason) => this.events.next({ type: 'failed', reason }),
        metadata: () => undefined,
      },
      parts.logger,
      parts.clock,
    );
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
    else this.setPaused(partitions, true);
  }

  resume(partitions?: readonly TopicPartition[]): void {
    this.setPaused(partitions ?? [...this.owned.values()], false);
    if (partitions === undefined) this.fetcher.hold(false);
  }

  seek(place: TopicPartition, offset: number): void {
    const owned = this.owned.get(keyOf(place));
    if (owned === undefined) return;
    owned.restart(offset);
    this.read(owned, offset);
  }

  lag(): ReadonlyMap<string, ReadonlyMap<number, number>> {
    const lags = new Map<string, Map<number, number>>();
    for (const { topic, partition, position, end } of this.fetcher.assigned()) {
      if (end < 0) continue;
      const partitions = lags.get(topic) ?? new Map<number, number>();
      lags.set(topic, partitions.set(partition, Math.max(0, end - position)));
    }
    return lags;
  }

  commit(): Promise<void> {
    const next = this.committing.catch(() => undefined).then(() => this.commitNow());
    this.committing = next;
    return next;
  }

  leave(): Promise<void> {
    this.leaving ??= this.depart();
    return this.leaving;
  }

  private start(): void {
    if (this.started || this.leaving !== undefined) return;
    this.started = true;
    this.fetcher.start();
    this.scheduleCommit();
    void this.participate();
  }

  /** Joins, shows life, joins again; ends when the member leaves and never rejects. */
  private async participate(): Promise<void> {
    let pause = FIRST_PAUSE;
    this.events.next({ type: 'joining' });
    while (this.leaving === undefined) {
      try {
        const dealt = await this.membership.join([...this.owned.values()], this.counts);
        await this.adopt(dealt);
        pause = FIRST_PAUSE;
        await this.showLife();
        if (this.leaving !== undefined) return;
        this.events.next({ type: 'rebalancing' });
        // What is settled by now need not be read again by whoever gets the partition.
        await this.commit().catch(() => undefined);
      } catch (error) {
        const wait = this.reactTo(error, pause);
        pause = Math.min(pause * 2, LONGEST_PAUSE);
        if (wait > 0) await this.wait(wait);
      }
    }
  }

  /** Returns how long to wait before the next join, in milliseconds. */
  private reactTo(error: unknown, pause: number): number {
    if (this.leaving !== undefined) return 0;
    const code = kafkaCode(error);
    const { group } = this.options;
    this.parts.logger.debug({ group, code, reason: String(error) }, `Group ${group}: joining again`);
    if (code === KAFKA.REBALANCE_IN_PROGRESS) return 0;
    if (code === KAFKA.UNKNOWN_MEMBER_ID || code === KAFKA.ILLEGAL_GENERATION) {
      this.membership.forget();
      this.events.next({ type: 'rebalancing' });
      return 0;
    }
    this.membership.lose();
    if (code === undefined || !REFUSALS.has(code)) return pause;
    const failure = logError(error, `Group ${group}`);
    const reason =
      failure.code === 'TG_NOT_AUTHORIZED' ? failure : new TidegateError('TG_GROUP_FAILED', failure.message, error);
    this.parts.logger.error({ group, code }, reason.message);
    this.events.next({ type: 'failed', reason });
    return REFUSED_PAUSE;
  }

  /** Resolves when the group has to be joined again. */
  private async showLife(): Promise<void> {
    const interval = Math.min(HEARTBEAT_INTERVAL, this.options.sessionTimeout / 3);
    while (this.leaving === undefined && !this.sawNewPartitions()) {
      await this.wait(interval);
      if (this.leaving !== undefined) return;
      try {
        await this.membership.heartbeat();
      } catch (error) {
        const code = kafkaCode(error);
        if (code === KAFKA.REBALANCE_IN_PROGRESS) return;
        if (code === KAFKA.UNKNOWN_MEMBER_ID || code === KAFKA.ILLEGAL_GENERATION) throw error;
        // The broker is away or the coordinator has moved; that alone is no reason to disturb the group.
        this.membership.lose();
      }
    }
  }

  /** The leader has to notice: a join of any other member changes nothing. */
  private sawNewPartitions(): boolean {
    if (!this.membership.isLeader) return false;
    for (const [topic, count] of this.counts) {
      const view = this.parts.data.topic(topic);
      if (view?.code === KAFKA.NONE && view.partitions.length !== count) return true;
    }
    return false;
  }

  /** Acts on the difference alone: a partition that stays is read on as if nothing had happened. */
  private async adopt(dealt: Dealt): Promise<void> {
    const committed = await this.committedOf(dealt.partitions);
    const starts = await this.startsOf(dealt, committed);
    if (this.leaving !== undefined) return;
    this.counts = dealt.counts;
    const keep = new Set<string>();
    for (const place of dealt.partitions) {
      const key = keyOf(place);
      if (this.owned.get(key)?.isStillOurs(committed.get(key)) === true) keep.add(key);
    }
    const removed = [...this.owned.values()].filter((owned) => !keep.has(keyOf(owned)));
    for (const owned of removed) this.giveUp(owned);
    const added = dealt.partitions.filter((place) => !keep.has(keyOf(place)));
    for (const place of added) this.own(place, starts.get(keyOf(place)) ?? 0, committed.get(keyOf(place)));
    this.events.next({
      type: 'assigned',
      generation: this.membership.generation,
      partitions: dealt.partitions,
      added,
      removed: removed.map(({ topic, partition }) => ({ topic, partition })),
    });
    for (const place of added) {
      const owned = this.owned.get(keyOf(place));
      if (owned !== undefined) this.read(owned, owned.committable);
    }
    // So that whoever gets it next does not look for a start of its own.
    await this.commit().catch(() => undefined);
  }

  /** By key of the partition. */
  private async committedOf(partitions: readonly TopicPartition[]): Promise<Map<string, number>> {
    const { group } = this.options;
    const committed = new Map<string, number>();
    for (const [topic, some] of groupByTopic(partitions)) {
      const found = await patiently(async () =>
        fetchCommitted(await this.parts.data.coordinator(group), group, topic, some),
      );
      for (const [partition, offset] of found) committed.set(keyOf({ topic, partition }), offset);
    }
    return committed;
  }

  /** Where partitions begin: where the group was, else at the first record if they were added later, else as configured. */
  private async startsOf(dealt: Dealt, committed: ReadonlyMap<string, number>): Promise<Map<string, number>> {
    const starts = new Map(committed);
    const unknown = dealt.partitions.filter((place) => !starts.has(keyOf(place)));
    const topics = groupByTopic(unknown);
    if (dealt.partitions.length > 0) await this.parts.data.refresh(dealt.partitions.map(({ topic }) => topic));
    for (const [topic, partitions] of topics) {
      const addedFrom = dealt.addedFrom.get(topic) ?? Number.POSITIVE_INFINITY;
      const asked = partitions.filter((partition) => partition < addedFrom);
      const found = await startOffsets(this.parts.data, topic, asked, this.options.from);
      for (const partition of partitions) starts.set(keyOf({ topic, partition }), found.get(partition) ?? 0);
    }
    return starts;
  }

  private own(place: TopicPartition, start: number, committed: number | undefined): void {
    const { stats } = this.parts;
    const key = keyOf(place);
    this.owned.set(key, new OwnedPartition(place, start, committed, (owned) => this.updatePause(owned)));
    const labels = { topic: place.topic, partition: String(place.partition), group: this.options.group };
    const gauge = stats.gauge(
      'tidegate_consumer_lag',
      labels,
      () => this.lag().get(place.topic)?.get(place.partition) ?? 0,
    );
    this.lagGauges.set(key, gauge);
  }

  private giveUp(owned: OwnedPartition): void {
    const key = keyOf(owned);
    owned.release();
    this.owned.delete(key);
    this.fetcher.unassign(owned.topic, owned.partition);
    this.lagGauges.get(key)?.();
    this.lagGauges.delete(key);
  }

  private read(owned: OwnedPartition, offset: number): void {
    this.fetcher.assign(owned.topic, owned.partition, offset, owned.target);
    this.updatePause(owned);
  }

  private deliver(part: FetchedPart, messages: Message[]): number {
    const owned = this.owned.get(keyOf(part));
    if (owned === undefined || this.subscriber === undefined) return 0;
    const room = this.options.maxUnsettled - owned.unsettled;
    const taken = messages.length <= room ? messages : messages.slice(0, Math.max(room, 0));
    for (const message of taken) owned.enter(message);
    this.updatePause(owned);
    if (taken.length > 0) this.subscriber.next(new Batch(taken));
    return taken.length;
  }

  private setPaused(partitions: readonly TopicPartition[], paused: boolean): void {
    for (const place of partitions) {
      const owned = this.owned.get(keyOf(place));
      if (owned === undefined) continue;
      owned.paused = paused;
      this.updatePause(owned);
    }
  }

  /** A full partition stops at its limit and goes on at half of it, so that fetches stay large. */
  private updatePause(owned: OwnedPartition): void {
    const { maxUnsettled } = this.options;
    if (owned.unsettled >= maxUnsettled) owned.full = true;
    else if (owned.unsettled <= maxUnsettled / 2) owned.full = false;
    this.fetcher.pause(owned.topic, owned.partition, owned.paused || owned.full);
  }

  private countGap(gap: Gap): void {
    const missed = Math.max(0, gap.to - gap.from);
    this.parts.stats.counter('tidegate_reader_gap_records_total', { topic: gap.topic }).value += missed;
    this.gaps.next(gap);
  }

  private scheduleCommit(): void {
    this.cancelCommit = this.parts.clock.after(this.options.commitInterval, () => {
      const again = () => {
        if (this.leaving === undefined) this.scheduleCommit();
      };
      this.commit().then(again, again);
    });
  }

  /** Only partitions that are owned now, under the generation they were dealt in: the broker refuses any other. */
  private async commitNow(): Promise<void> {
    const due = [...this.owned.values()].filter((owned) => owned.committable !== owned.committed);
    if (due.length === 0) return;
    const { group } = this.options;
    const offsets = due.map((owned) => ({ owned, offset: owned.committable }));
    const topics = new Map<string, { partition: number; offset: string }[]>();
    for (const { owned, offset } of offsets) {
      owned.attempted = offset;
      const partitions = topics.get(owned.topic) ?? [];
      partitions.push({ partition: owned.partition, offset: String(offset) });
      topics.set(owned.topic, partitions);
    }
    try {
      const { memberId, generation } = this.membership;
      const coordinator = await this.parts.data.coordinator(group);
      await coordinator.request('OffsetCommit', {
        groupId: group,
        groupGenerationId: generation,
        memberId,
        retentionTime: -1,
        topics: [...topics].map(([topic, partitions]) => ({ topic, partitions })),
      });
    } catch (error) {
      const failure = logError(error, `Group ${group}: commit`);
      this.parts.logger.debug({ group, reason: failure.message }, 'Offsets were not committed');
      throw failure;
    }
    for (const { owned, offset } of offsets) owned.committed = offset;
    this.commits.value += 1;
  }

  private async depart(): Promise<void> {
    this.fetcher.close();
    this.cancelCommit?.();
    this.wake?.();
    let cancel: (() => void) | undefined;
    const late = new Promise<void>((resolve) => {
      cancel = this.parts.clock.after(LEAVE_TIMEOUT, resolve);
    });
    await Promise.race([this.sayGoodbye(), late]);
    cancel?.();
    for (const owned of [...this.owned.values()]) this.giveUp(owned);
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
    await this.commit().catch(() => undefined);
    await this.membership.leave().catch(() => undefined);
  }

  private wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.parts.clock.after(milliseconds, resolve);
      this.wake = () => {
        cancel();
        resolve();
      };
    });
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

function groupByTopic(partitions: readonly TopicPartition[]): Map<string, number[]> {
  const topics = new Map<string, number[]>();
  for (const { topic, partition } of partitions) {
    const list = topics.get(topic);
    if (list === undefined) topics.set(topic, [partition]);
    else list.push(partition);
  }
  return topics;
}
