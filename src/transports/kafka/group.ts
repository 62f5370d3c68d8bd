import { Observable, Subject, type Subscriber } from 'rxjs';
import { Batch } from '../../core/batch.ts';
import type { Clock } from '../../core/clock.ts';
import type { Gap, GroupEvent, GroupMember, GroupOptions, TopicPartition } from '../../core/log.ts';
import type { Message } from '../../core/message.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Counter, Stats } from '../../telemetry/stats.ts';
import type { Dealt } from './assignment-protocol.ts';
import type { Cluster } from './cluster.ts';
import { type FetchedPart, Fetcher } from './fetcher.ts';
import { GroupOffsets, keyOf } from './group-offsets.ts';
import { HandOver } from './hand-over.ts';
import { Membership } from './membership.ts';
import { OwnedPartition } from './owned-partition.ts';
import { Participation } from './participation.ts';
import { KAFKA, logError } from './protocol-errors.ts';

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
  private readonly options: Required<Omit<GroupOptions, Optional>> & Pick<GroupOptions, Optional>;
  private readonly parts: GroupParts;
  private readonly membership: Membership;
  private readonly participation: Participation;
  private readonly offsets: GroupOffsets;
  private readonly handOver: HandOver;
  private readonly fetcher: Fetcher;
  private readonly events = new Subject<GroupEvent>();
  private readonly gaps = new Subject<Gap>();
  private readonly partitions = new Map<string, OwnedPartition>();
  private readonly lagGauges = new Map<string, () => void>();
  private readonly commits: Counter;
  private counts: ReadonlyMap<string, number> = new Map();
  private subscriber: Subscriber<Batch> | undefined;
  private committing: Promise<void> = Promise.resolve();
  /** Whether nobody else had our partitions meanwhile: until that is known a commit could undo another's. */
  private isSure = true;
  private started = false;
  private leaving: Promise<void> | undefined;
  private cancelCommit: (() => void) | undefined;

  constructor(options: GroupOptions, parts: GroupParts) {
    this.options = {
      sessionTimeout: SESSION_TIMEOUT,
      commitInterval: COMMIT_INTERVAL,
      maxUnsettled: MAX_UNSETTLED,
      ...options,
    };
    this.parts = parts;
    const { group, from, sessionTimeout } = this.options;
    const { logger, stats, clock } = parts;
    this.membership = new Membership(this.options, parts.coordination, parts.data, clock);
    this.participation = new Participation(this.membership, this.asParticipant(), {
      group,
      sessionTimeout,
      logger,
      clock,
    });
    this.offsets = new GroupOffsets(group, from, parts.data);
    this.handOver = new HandOver(clock);
    this.commits = stats.counter('tidegate_commits_total', { group });
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
      logger,
      clock,
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
    this.setPaused(partitions ?? [...this.partitions.values()], false);
    if (partitions === undefined) this.fetcher.hold(false);
  }

  seek(place: TopicPartition, offset: number): void {
    const owned = this.partitions.get(keyOf(place));
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

  lastSeen(): number {
    return this.membership.lastSeen;
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
    this.events.next({ type: 'joining' });
    this.fetcher.start();
    this.scheduleCommit();
    void this.participation.run();
  }

  private asParticipant() {
    const member = this;
    return {
      get owned() {
        return [...member.partitions.values()];
      },
      get counts() {
        return member.counts;
      },
      adopt: (dealt: Dealt) => this.adopt(dealt),
      rebalancing: async () => {
        this.events.next({ type: 'rebalancing' });
        await this.commit().catch(() => undefined);
      },
      dropped: async () => {
        this.events.next({ type: 'joining' });
        await this.commit().catch(() => undefined);
      },
      failed: (reason: GroupFailure) => this.events.next({ type: 'failed', reason }),
      sawNewPartitions: () => this.sawNewPartitions(),
    };
  }

  private sawNewPartitions(): boolean {
    for (const [topic, count] of this.counts) {
      const view = this.parts.data.topic(topic);
      if (view?.code === KAFKA.NONE && view.partitions.length !== count) return true;
    }
    return false;
  }

  /**
   * Acts on the difference alone: a partition that stays is read on as if nothing had happened. One that goes is given up
   * once what is in flight of it is settled and committed; resolves with whether others wait for that.
   */
  private async adopt(dealt: Dealt): Promise<boolean> {
    if (this.membership.joinedAnew) this.isSure = false;
    const going = this.dealtAway(dealt);
    const committed = await this.offsets.committed([...dealt.partitions, ...going]);
    const starts = await this.offsets.starts(dealt, committed);
    const lost = [...this.partitions.values()].filter((owned) => !owned.isStillOurs(committed.get(keyOf(owned))));
    for (const owned of lost) this.giveUp(owned);
    this.isSure = true;
    const left = going.filter((owned) => !lost.includes(owned));
    await this.letGo(left);
    if (this.leaving !== undefined) return false;
    this.counts = dealt.counts;
    for (const owned of left) this.giveUp(owned);
    const kept = new Set(this.partitions.keys());
    const added = dealt.partitions.filter((place) => !kept.has(keyOf(place)));
    const gained = added.map((place) => this.own(place, starts.get(keyOf(place)) ?? 0, committed.get(keyOf(place))));
    this.events.next({
      type: 'assigned',
      generation: this.membership.generation,
      partitions: dealt.partitions,
      added,
      removed: [...lost, ...left].map(({ topic, partition }) => ({ topic, partition })),
      members: dealt.members,
    });
    for (const owned of gained) this.read(owned, owned.committable);
    // The start too, so that whoever gets the partition next does not look for one of its own.
    await this.commit().catch(() => undefined);
    return dealt.isPartial && going.length > 0;
  }

  /** From now on nothing more is read of what is not ours any more, and again of what has come back. */
  private dealtAway({ partitions }: Dealt): OwnedPartition[] {
    const dealt = new Set(partitions.map(keyOf));
    for (const owned of this.partitions.values()) {
      owned.isGoing = !dealt.has(keyOf(owned));
      this.updatePause(owned);
    }
    return [...this.partitions.values()].filter(({ isGoing }) => isGoing);
  }

  private async letGo(going: readonly OwnedPartition[]): Promise<void> {
    if (going.length === 0) return;
    await this.handOver.quiet(going);
    await this.commit().catch(() => undefined);
  }

  private own(place: TopicPartition, start: number, committed: number | undefined): OwnedPartition {
    const key = keyOf(place);
    const owned = new OwnedPartition(place, start, committed, (settled) => {
      this.updatePause(settled);
      this.handOver.settled(settled);
    });
    this.partitions.set(key, owned);
    const labels = { topic: place.topic, partition: String(place.partition), group: this.options.group };
    const lag = () => this.fetcher.endOf(place.topic, place.partition) - owned.committable;
    this.lagGauges.set(
      key,
      this.parts.stats.gauge('tidegate_consumer_lag', labels, () => Math.max(0, lag())),
    );
    return owned;
  }

  private giveUp(owned: OwnedPartition): void {
    const key = keyOf(owned);
    owned.release();
    this.partitions.delete(key);
    this.fetcher.unassign(owned.topic, owned.partition);
    this.lagGauges.get(key)?.();
    this.lagGauges.delete(key);
  }

  private read(owned: OwnedPartition, offset: number): void {
    this.fetcher.assign(owned.topic, owned.partition, offset, owned.target);
    this.updatePause(owned);
  }

  private deliver(part: FetchedPart, messages: Message[]): number {
    const owned = this.partitions.get(keyOf(part));
    if (owned === undefined || owned.isGoing || this.subscriber === undefined) return 0;
    const room = Math.max(0, this.options.maxUnsettled - owned.unsettled);
    const offered = messages.length <= room ? messages : messages.slice(0, room);
    const admitted = offered.length === 0 ? 0 : (this.options.admit?.(offered) ?? offered.length);
    const taken = admitted === offered.length ? offered : offered.slice(0, admitted);
    for (const message of taken) owned.enter(message);
    this.updatePause(owned);
    if (taken.length > 0) this.subscriber.next(new Batch(taken));
    return taken.length;
  }

  private setPaused(partitions: readonly TopicPartition[], paused: boolean): void {
    for (const place of partitions) {
      const owned = this.partitions.get(keyOf(place));
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
    this.fetcher.pause(owned.topic, owned.partition, owned.paused || owned.full || owned.isGoing);
  }

  private countGap(gap: Gap): void {
    const missed = Math.max(0, gap.to - gap.from);
    this.parts.stats.counter('tidegate_reader_gap_records_total', { topic: gap.topic }).value += missed;
    this.gaps.next(gap);
  }

  private scheduleCommit(): void {
    const again = () => {
      if (this.leaving === undefined) this.scheduleCommit();
    };
    this.cancelCommit = this.parts.clock.after(this.options.commitInterval, () => {
      this.commit().then(again, again);
    });
  }

  private async commitNow(): Promise<void> {
    if (!this.isSure) return;
    try {
      if (await this.offsets.commit(this.partitions.values(), this.membership)) this.commits.value += 1;
    } catch (error) {
      const failure = logError(error, `Group ${this.options.group}: commit`);
      this.parts.logger.debug({ group: this.options.group, reason: failure.message }, 'Offsets were not committed');
      throw failure;
    }
  }

  private async depart(): Promise<void> {
    this.participation.stop();
    this.fetcher.close();
    this.cancelCommit?.();
    let cancel: (() => void) | undefined;
    const late = new Promise<void>((resolve) => {
      cancel = this.parts.clock.after(LEAVE_TIMEOUT, resolve);
    });
    await Promise.race([this.sayGoodbye(), late]);
    cancel?.();
    for (const owned of [...this.partitions.values()]) this.giveUp(owned);
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
}

type Optional = 'label' | 'admit';
type GroupFailure = Extract<GroupEvent, { type: 'failed' }>['reason'];
