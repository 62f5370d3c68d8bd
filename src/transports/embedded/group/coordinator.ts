import { TidegateError } from '../../../core/errors.ts';
import type { GroupStart } from '../../../core/log.ts';
import { ownEntry } from '../../../core/own-entry.ts';
import type { Stats } from '../../../telemetry/stats.ts';
import { type GroupCommit, isKnown } from '../../group-commit.ts';
import { assignSticky, assignTogether, type Wishes } from '../../sticky-assignment.ts';
import type { Store } from '../records/store.ts';
import type { PartitionState, TopicState } from '../records/topic-state.ts';

/** A member as its coordinator sees it. */
export interface CoordinatedMember {
  readonly topics: ReadonlySet<string>;
  /** Of the topics, those that came later than the group began. */
  readonly later: ReadonlySet<string>;
  readonly from: GroupStart;
  /** Partitions of the same number of all topics go to the same member. */
  readonly coPartitioned?: boolean;
  /** Ids of the topics as the member knows them. */
  topicIds(): ReadonlyMap<string, string>;
  /** The group is about to share out anew. */
  rebalancing(): void;
  /** Lets go of partitions and says what was settled: what comes for them from now on is stale. */
  revoke(partitions: readonly PartitionState[]): ReadonlyMap<PartitionState, GroupCommit>;
  assign(share: Share): void;
  readonly label: string | undefined;
}

/** What a member is given. */
export interface Share {
  readonly generation: number;
  readonly partitions: readonly PartitionState[];
  readonly starts: ReadonlyMap<PartitionState, GroupCommit>;
  /** Where the group was in earlier topics of the same names, for partitions that it has not read yet. */
  readonly before: ReadonlyMap<PartitionState, number>;
  /** Labels of all members that have one. */
  readonly members: readonly string[];
}

/** A consumer group. All its members live in this process, so a rebalance is one synchronous step. */
export class GroupCoordinator {
  private readonly group: string;
  private readonly store: Store;
  private readonly stats: Stats;
  private readonly members = new Set<CoordinatedMember>();
  private owners = new Map<PartitionState, CoordinatedMember>();
  /** All that could be assigned when that was done last. */
  private known: ReadonlySet<PartitionState> = new Set();
  /** Commits ahead of what the store has, or equal to it. */
  private readonly commits = new Map<PartitionState, GroupCommit>();
  /** Where the group was in topics that are gone, by name and partition, until one of that name is assigned again. */
  private readonly gone = new Map<string, Map<number, number>>();
  private generation = 0;
  private next: NodeJS.Immediate | undefined;
  /** Transactions under way, during which no partition changes hands. */
  private held = 0;
  private isDue = false;

  constructor(group: string, store: Store, stats: Stats) {
    this.group = group;
    this.store = store;
    this.stats = stats;
  }

  /** Whether it has no members, and the store has all that is known here. */
  get isIdle(): boolean {
    if (this.members.size > 0) return false;
    return [...this.commits].every(([partition, commit]) => this.isStored(partition, commit));
  }

  join(member: CoordinatedMember): void {
    if (this.members.size === 0) this.store.watchers.add(this.follow);
    this.stats.counter('tidegate_commits_total', { group: this.group });
    this.announce();
    this.members.add(member);
    this.rebalanceSoon();
  }

  /** Settled offsets of the member are taken over; `commit` makes them durable. */
  leave(member: CoordinatedMember): void {
    if (this.members.has(member)) this.note(this.remove(member));
  }

  /** The same for a member whose process ended: what it had settled and not committed is not known. */
  lose(member: CoordinatedMember): void {
    if (this.members.has(member)) this.remove(member);
  }

  private remove(member: CoordinatedMember): ReadonlyMap<PartitionState, GroupCommit> {
    this.members.delete(member);
    const owned = [...this.owners].filter(([, owner]) => owner === member).map(([partition]) => partition);
    const settled = member.revoke(owned);
    for (const partition of owned) this.owners.delete(partition);
    if (this.members.size === 0) {
      this.store.watchers.delete(this.follow);
      clearImmediate(this.next);
      this.next = undefined;
    } else {
      this.announce();
      this.rebalanceSoon();
    }
    return settled;
  }

  /** Shares out anew, for a member that failed. */
  rejoin(): void {
    this.announce();
    this.rebalanceSoon();
  }

  /** Resolves when the offsets, and those noted before, are durable. */
  async commit(commits: ReadonlyMap<PartitionState, GroupCommit>): Promise<void> {
    this.note(commits);
    const pending = this.unknown(this.commits);
    if (pending.size === 0) return;
    await this.store.offsets.commit(this.group, pending);
    this.stats.counter('tidegate_commits_total', { group: this.group }).value += 1;
  }

  /** Does some work, and shares nothing out meanwhile. */
  async holding(work: () => Promise<void>): Promise<void> {
    this.held += 1;
    try {
      await work();
    } finally {
      this.held -= 1;
      if (this.held === 0 && this.isDue) this.rebalanceSoon();
    }
  }

  /** Those that the store does not have yet. */
  unknown(commits: ReadonlyMap<PartitionState, GroupCommit>): ReadonlyMap<PartitionState, GroupCommit> {
    return new Map([...commits].filter(([partition, commit]) => !this.isStored(partition, commit)));
  }

  /** A member has committed these in a transaction of its own. */
  stored(commits: ReadonlyMap<PartitionState, GroupCommit>): void {
    if (commits.size === 0) return;
    for (const [partition, commit] of commits) this.commits.set(partition, commit);
    this.stats.counter('tidegate_commits_total', { group: this.group }).value += 1;
  }

  /** Sets offsets while there are no members. Rejects with TG_GROUP_FAILED otherwise. */
  async reset(commits: ReadonlyMap<PartitionState, GroupCommit>): Promise<void> {
    this.refuseWithMembers();
    for (const [partition, commit] of commits) this.commits.set(partition, commit);
    await this.store.offsets.commit(this.group, commits);
  }

  /** Forgets all offsets while there are no members. Rejects with TG_GROUP_FAILED otherwise. */
  async forget(): Promise<void> {
    this.refuseWithMembers();
    this.commits.clear();
    await this.store.offsets.forget(this.group);
  }

  private isStored(partition: PartitionState, commit: GroupCommit): boolean {
    return partition.topic.deleted || isKnown(commit, this.store.offsets.of(this.group, partition));
  }

  private refuseWithMembers(): void {
    if (this.members.size > 0) throw new TidegateError('TG_GROUP_FAILED', `the group ${this.group} has members`);
  }

  private note(commits: ReadonlyMap<PartitionState, GroupCommit>): void {
    for (const [partition, commit] of commits) {
      if (partition.topic.deleted) this.remember(partition, commit.offset);
      else if (!isKnown(commit, this.commitOf(partition))) this.commits.set(partition, commit);
    }
  }

  private remember({ topic, index }: PartitionState, offset: number): void {
    const ofTopic = this.gone.get(topic.name) ?? new Map<number, number>();
    this.gone.set(topic.name, ofTopic.set(index, offset));
  }

  private announce(): void {
    if (this.next !== undefined) return;
    for (const member of this.members) member.rebalancing();
  }

  /** Members that come in the same turn of the event loop get their partitions at once. */
  private rebalanceSoon(): void {
    this.next ??= setImmediate(() => {
      this.next = undefined;
      this.isDue = this.held > 0;
      if (!this.isDue) this.rebalance();
    });
  }

  private readonly follow = (): void => {
    const partitions = this.partitions();
    const isSame = partitions.length === this.known.size && partitions.every((one) => this.known.has(one));
    if (!isSame) this.rejoin();
  };

  /** Topics that members want. */
  private names(): Set<string> {
    const names = new Set<string>();
    for (const { topics } of this.members) for (const name of topics) names.add(name);
    return names;
  }

  private partitions(): PartitionState[] {
    return [...this.names()].flatMap((name) => this.store.topics.get(name)?.partitions ?? []);
  }

  private rebalance(): void {
    this.generation += 1;
    const shares = this.shares();
    const owners = new Map<PartitionState, CoordinatedMember>();
    for (const [member, share] of shares) for (const partition of share) owners.set(partition, member);
    for (const member of this.members) {
      const lost = [...this.owners]
        .filter(([partition, owner]) => owner === member && owners.get(partition) !== member)
        .map(([partition]) => partition);
      this.note(member.revoke(lost));
    }
    for (const [partition, { offset }] of [...this.commits]) {
      if (!partition.topic.deleted) continue;
      this.commits.delete(partition);
      if (this.gone.get(partition.topic.name)?.has(partition.index) !== true) this.remember(partition, offset);
    }
    this.owners = owners;
    const assigned = [...shares.values()].flat();
    const recreated = this.recreated(assigned);
    const starts = this.starts(shares, recreated);
    const before = this.before(assigned, recreated);
    const members = [...this.members].flatMap(({ label }) => (label === undefined ? [] : [label]));
    for (const [member, partitions] of shares)
      member.assign({ generation: this.generation, partitions, starts, before, members });
    // Where a partition starts is committed at once, so that "latest" is not resolved a second time.
    this.commit(starts).catch(() => {});
  }

  private shares(): Map<CoordinatedMember, PartitionState[]> {
    const partitions = this.partitions();
    const members = [...this.members];
    this.known = new Set(partitions);
    const wishes: Wishes<PartitionState, CoordinatedMember> = {
      wants: ({ topics }, { topic }) => topics.has(topic.name),
      ownerOf: (partition) => this.owners.get(partition),
    };
    return members.some(({ coPartitioned }) => coPartitioned)
      ? assignTogether(partitions, members, wishes, { topics: this.names().size, numberOf: ({ index }) => index })
      : assignSticky(partitions, members, wishes);
  }

  /**
   * Where each partition is to be read from. One without an offset, in a topic where others have one, came after the
   * group had begun: unless `from` names it, it is read from its first record, or what came before we looked were lost.
   * So is one of a topic that was deleted and created again.
   */
  private starts(
    shares: ReadonlyMap<CoordinatedMember, readonly PartitionState[]>,
    recreated: ReadonlySet<TopicState>,
  ): Map<PartitionState, GroupCommit> {
    const begun = new Set<string>();
    const starts = new Map<PartitionState, GroupCommit>();
    for (const partition of this.owners.keys()) {
      const { topic } = partition;
      if (topic.partitions.some((one) => this.commitOf(one) !== undefined)) begun.add(topic.name);
    }
    for (const [member, share] of shares) {
      for (const partition of share) {
        const { name } = partition.topic;
        const isNew = member.from === 'earliest' || begun.has(name) || member.later.has(name);
        const named = recreated.has(partition.topic) ? partition.start : namedStart(member.from, partition);
        const offset = named ?? (isNew ? partition.start : partition.end);
        starts.set(partition, this.commitOf(partition) ?? { offset });
      }
    }
    return starts;
  }

  /** Topics that were deleted and created again since the group, or one of its members, knew them. */
  private recreated(partitions: readonly PartitionState[]): Set<TopicState> {
    const isAnother = ({ name, id }: TopicState) =>
      this.gone.has(name) ||
      [...this.members].some((member) => (member.topicIds().get(name) ?? String(id)) !== String(id));
    return new Set(partitions.map(({ topic }) => topic).filter(isAnother));
  }

  /** Where the group was in the old ones; 0 where that is not known. */
  private before(
    partitions: readonly PartitionState[],
    recreated: ReadonlySet<TopicState>,
  ): Map<PartitionState, number> {
    const before = new Map<PartitionState, number>();
    for (const partition of partitions) {
      const { topic, index } = partition;
      if (!recreated.has(topic) || this.commitOf(partition) !== undefined) continue;
      const gone = this.gone.get(topic.name);
      const offset = gone === undefined ? 0 : gone.get(index);
      if (offset !== undefined) before.set(partition, offset);
    }
    for (const { name } of recreated) this.gone.delete(name);
    return before;
  }

  private commitOf(partition: PartitionState): GroupCommit | undefined {
    return this.commits.get(partition) ?? this.store.offsets.of(this.group, partition);
  }
}

function namedStart(from: GroupStart, { topic, index }: PartitionState): number | undefined {
  return typeof from === 'string' ? undefined : ownEntry(from.offsets, topic.name)?.[index];
}
