import type { GroupStart, TopicPartition } from '../../../core/log.ts';
import { ownEntry } from '../../../core/own-entry.ts';
import { partitionKey } from '../../../core/partition-key.ts';
import { type GroupCommit, isKnown } from '../../group-commit.ts';
import { type Committed, commitEntry, fetchCommitted, isOf } from '../committed/committed.ts';
import type { Cluster } from '../connection/cluster.ts';
import type { FetchedPart } from '../fetch/fetcher.ts';
import { startOffsets } from '../fetch/offsets.ts';
import { type Assignment, groupByTopic } from '../wire/assignment-protocol.ts';
import type { CommitEntry } from '../wire/commit-note.ts';
import type { CoordinatorClient } from './coordinator-client.ts';
import type { OwnedPartition } from './owned-partition.ts';

/** Where a partition begins. */
export interface Start extends GroupCommit {
  /** Id of the topic that the offset belongs to: where that is gone by now, the new one begins at its first record. */
  readonly id: string | undefined;
}

/** What is about to be committed. */
export interface DueCommits {
  /** By topic; empty where there is nothing. */
  readonly topics: ReadonlyMap<string, readonly CommitEntry[]>;
  /** The group has it. */
  committed(): void;
  /** The group has not got it, and never will. */
  aborted(): void;
}

/** The committed offsets of a group, and where its partitions begin. */
export class GroupOffsets {
  private readonly group: string;
  private readonly from: GroupStart;
  private readonly cluster: Cluster;

  constructor(group: string, from: GroupStart, cluster: Cluster) {
    this.group = group;
    this.from = from;
    this.cluster = cluster;
  }

  /** By key of the partition; what was never committed is left out. */
  async committed(partitions: readonly TopicPartition[]): Promise<Map<string, Committed>> {
    const committed = new Map<string, Committed>();
    for (const [topic, some] of groupByTopic(partitions)) {
      const found = await fetchCommitted(this.cluster, this.group, topic, some);
      for (const [partition, one] of found) committed.set(partitionKey({ topic, partition }), one);
    }
    return committed;
  }

  /**
   * Where partitions begin: where the group was, be that in a topic that is gone; else at the first record if they were
   * added later and are not named; else as configured.
   */
  async starts(assignment: Assignment, committed: ReadonlyMap<string, Committed>): Promise<Map<string, Start>> {
    const starts = new Map<string, Start>();
    if (assignment.partitions.length > 0) await this.cluster.refresh(assignment.partitions.map(({ topic }) => topic));
    const unknown: TopicPartition[] = [];
    for (const place of assignment.partitions) {
      const before = this.before(place, assignment, committed.get(partitionKey(place)));
      if (before === undefined) unknown.push(place);
      else starts.set(partitionKey(place), before);
    }
    for (const [topic, partitions] of groupByTopic(unknown)) {
      const id = this.cluster.topic(topic)?.id;
      const addedFrom = assignment.addedFrom.get(topic) ?? Number.POSITIVE_INFINITY;
      const named = typeof this.from === 'string' ? {} : (ownEntry(this.from.offsets, topic) ?? {});
      const asked = partitions.filter((partition) => partition < addedFrom || named[partition] !== undefined);
      const found = await startOffsets(this.cluster, topic, asked, this.from);
      for (const partition of partitions)
        starts.set(partitionKey({ topic, partition }), { offset: found.get(partition) ?? 0, id });
    }
    return starts;
  }

  /**
   * Commits what can be of these partitions, under the generation they were assigned in: the broker refuses any other.
   * What is not read any more is left out: its topic has fewer partitions than it had. Resolves with false when there was
   * nothing to commit.
   */
  async commit(
    owned: Iterable<OwnedPartition>,
    partOf: (place: TopicPartition) => FetchedPart | undefined,
    { memberId, generation }: CoordinatorClient,
  ): Promise<boolean> {
    const due = this.due(owned, partOf);
    const { topics } = due;
    if (topics.size === 0) return false;
    const coordinator = await this.cluster.coordinator(this.group);
    await coordinator.request('OffsetCommit', {
      groupId: this.group,
      groupGenerationId: generation,
      memberId,
      retentionTime: -1,
      topics: [...topics].map(([topic, partitions]) => ({ topic, partitions })),
    });
    due.committed();
    return true;
  }

  /** What is to be committed of these partitions now; each of them is asked. */
  due(
    owned: Iterable<OwnedPartition>,
    partOf: (place: TopicPartition) => FetchedPart | undefined,
    writer?: string,
  ): DueCommits {
    const due: { owned: OwnedPartition; commit: GroupCommit; since: unknown }[] = [];
    const topics = new Map<string, CommitEntry[]>();
    for (const one of owned) {
      const part = partOf(one);
      const commit = part === undefined ? undefined : one.commit(part.position);
      if (part === undefined || commit === undefined || isKnown(commit, one.committed)) continue;
      one.attempted = commit;
      due.push({ owned: one, commit, since: one.target });
      const partitions = topics.get(one.topic) ?? [];
      partitions.push(commitEntry(one.partition, commit, part.id, writer));
      topics.set(one.topic, partitions);
    }
    return {
      topics,
      // One that began again meanwhile may be in another topic by now.
      committed: () => {
        for (const { owned: one, commit, since } of due) if (one.target === since) one.committed = commit;
      },
      aborted: () => {
        for (const { owned: one, commit } of due) if (one.attempted === commit) one.attempted = undefined;
      },
    };
  }

  /** Where the group was in the topic, or in one of the same name that is gone; undefined where it is new to both. */
  private before(place: TopicPartition, assignment: Assignment, committed: Committed | undefined): Start | undefined {
    const id = this.cluster.topic(place.topic)?.id;
    if (committed !== undefined) {
      const { offset, note, topicId } = committed;
      // The note is of no use for another topic.
      return isOf(id, committed) ? { offset, note, id } : { offset, id: topicId };
    }
    const gone = assignment.recreated.get(place.topic);
    const isAdded = place.partition >= (assignment.addedFrom.get(place.topic) ?? Number.POSITIVE_INFINITY);
    return gone === undefined || gone === id || isAdded ? undefined : { offset: 0, id: gone };
  }
}
