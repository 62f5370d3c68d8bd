import type { GroupEvent, TopicPartition } from '../../../core/log.ts';
import { partitionKey } from '../../../core/partition-key.ts';
import { type Committed, isOf } from '../committed/committed.ts';
import type { Cluster } from '../connection/cluster.ts';
import type { Fetcher } from '../fetch/fetcher.ts';
import type { Assignment } from '../wire/assignment-protocol.ts';
import { KAFKA } from '../wire/protocol-errors.ts';
import type { Commits } from './commits.ts';
import type { CoordinatorClient, LastAssignment } from './coordinator-client.ts';
import type { GroupOffsets, Start } from './group-offsets.ts';
import type { OwnedPartition } from './owned-partition.ts';
import type { OwnedPartitions } from './owned-partitions.ts';

export interface CurrentAssignmentParts {
  readonly coordinator: CoordinatorClient;
  readonly cluster: Cluster;
  readonly fetcher: Fetcher;
  readonly offsets: GroupOffsets;
  readonly partitions: OwnedPartitions;
  readonly commits: Commits;
  readonly isLeaving: () => boolean;
  readonly coPartitioned: boolean;
  readonly assigned: (event: Extract<GroupEvent, { type: 'assigned' }>) => void;
}

/** What a group member was assigned last, and how it goes from there to the next assignment. */
export class CurrentAssignment {
  /** Ids of the topics. */
  ids: ReadonlyMap<string, string>;
  /** Topics that came later than the group began. */
  later: readonly string[] = [];
  private readonly parts: CurrentAssignmentParts;
  /** Partitions of the topics. */
  private counts: ReadonlyMap<string, number> = new Map();

  constructor(ids: ReadonlyMap<string, string>, parts: CurrentAssignmentParts) {
    this.ids = ids;
    this.parts = parts;
  }

  /** A topic that came later than the group began had no partition before, so that all it has are read from their first record. */
  get last(): LastAssignment {
    const counts = new Map(this.counts);
    for (const topic of this.later) if (!counts.has(topic)) counts.set(topic, 0);
    return { owned: [...this.parts.partitions], counts, ids: this.ids };
  }

  /** Whether a topic has other partitions than were assigned, or is another one. */
  get isOutdated(): boolean {
    for (const [topic, count] of this.counts) {
      const view = this.parts.cluster.topic(topic);
      if (view?.code !== KAFKA.NONE) continue;
      if (view.partitions.length !== count || (view.id ?? this.ids.get(topic)) !== this.ids.get(topic)) return true;
    }
    return false;
  }

  /**
   * Acts on the difference alone: a partition that stays is read on as if nothing had happened. The order of the steps
   * keeps what the group promises. Resolves with whether others wait for partitions that were let go of.
   */
  async adopt(assignment: Assignment): Promise<boolean> {
    // Until it is known whether others had our partitions meanwhile, a commit could undo theirs.
    if (this.parts.coordinator.joinedAnew) this.parts.commits.isSure = false;
    // Before anything is awaited: no two members read a partition at a time.
    const going = this.parts.partitions.keepReading(assignment.partitions);
    const committed = await this.parts.offsets.committed([...assignment.partitions, ...going]);
    const starts = await this.parts.offsets.starts(assignment, committed);
    const lost = this.giveUpLost(committed);
    this.parts.commits.isSure = true;
    const left = going.filter((owned) => !lost.includes(owned));
    await this.letGo(left);
    if (this.parts.isLeaving()) return false;
    this.counts = assignment.counts;
    this.ids = assignment.ids;
    this.takeUp(assignment, starts, committed, [...lost, ...left]);
    // The start too, so that the next owner of a partition does not look for one of its own.
    await this.parts.commits.tryToCommit();
    return assignment.isPartial && going.length > 0;
  }

  /** Partitions that others had meanwhile are no longer ours, even if they come back: what is in flight of them counts no more. */
  private giveUpLost(committed: ReadonlyMap<string, Committed>): OwnedPartition[] {
    this.parts.fetcher.checkIds();
    const owned = [...this.parts.partitions];
    const gone = owned.filter((one) => !one.isStillOurs(this.commitIn(committed, one)));
    const numbers = new Set(gone.map(({ partition }) => partition));
    const lost = this.parts.coPartitioned ? owned.filter(({ partition }) => numbers.has(partition)) : gone;
    for (const one of lost) this.parts.partitions.giveUp(one);
    return lost;
  }

  /** The next owner begins behind all that we confirm: what is in flight has time to be settled, and is committed then. */
  private async letGo(left: readonly OwnedPartition[]): Promise<void> {
    if (left.length > 0) {
      await this.parts.partitions.quiet(left);
      await this.parts.commits.tryToCommit();
    }
    // A member that leaves meanwhile gives up all that it has, and commits before that.
    if (!this.parts.isLeaving()) for (const owned of left) this.parts.partitions.giveUp(owned);
  }

  /** The assignment is reported before the first record of a new partition can be delivered. */
  private takeUp(
    { partitions, members }: Assignment,
    starts: ReadonlyMap<string, Start>,
    committed: ReadonlyMap<string, Committed>,
    given: readonly OwnedPartition[],
  ): void {
    const added = partitions.filter((place) => !this.parts.partitions.has(place));
    const gained = added.map((place) => {
      const key = partitionKey(place);
      const start = starts.get(key) ?? { offset: 0, id: undefined };
      return { owned: this.parts.partitions.add(place, start, committed.get(key)), id: start.id };
    });
    this.parts.assigned({
      type: 'assigned',
      generation: this.parts.coordinator.generation,
      partitions,
      added,
      removed: given.map(({ topic, partition }) => ({ topic, partition })),
      members,
    });
    for (const { owned, id } of gained) this.parts.partitions.read(owned, owned.start, id);
    // A start may be an offset of a topic that is gone: that is a gap, now that the partition is read.
    this.parts.fetcher.checkIds();
  }

  /** What the group has committed of the topic that a partition is read of, as far as that is the one of the commit. */
  private commitIn(committed: ReadonlyMap<string, Committed>, place: TopicPartition): Committed | undefined {
    const found = committed.get(partitionKey(place));
    return found !== undefined && isOf(this.parts.fetcher.part(place)?.id, found) ? found : undefined;
  }
}
