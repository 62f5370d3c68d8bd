import type { GroupStart, TopicPartition } from '../../core/log.ts';
import { ownEntry } from '../../core/own-entry.ts';
import { fetchCommitted } from './admin.ts';
import type { Dealt } from './assignment-protocol.ts';
import type { Cluster } from './cluster.ts';
import type { Membership } from './membership.ts';
import { startOffsets } from './offsets.ts';
import type { OwnedPartition } from './owned-partition.ts';
import { patiently } from './patience.ts';

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
  async committed(partitions: readonly TopicPartition[]): Promise<Map<string, number>> {
    const committed = new Map<string, number>();
    for (const [topic, some] of groupByTopic(partitions)) {
      const found = await patiently(async () =>
        fetchCommitted(await this.cluster.coordinator(this.group), this.group, topic, some),
      );
      for (const [partition, offset] of found) committed.set(keyOf({ topic, partition }), offset);
    }
    return committed;
  }

  /** Where partitions begin: where the group was, else at the first record if they were added later and are not named, else as configured. */
  async starts(dealt: Dealt, committed: ReadonlyMap<string, number>): Promise<Map<string, number>> {
    const starts = new Map(committed);
    const unknown = dealt.partitions.filter((place) => !starts.has(keyOf(place)));
    if (dealt.partitions.length > 0) await this.cluster.refresh(dealt.partitions.map(({ topic }) => topic));
    for (const [topic, partitions] of groupByTopic(unknown)) {
      const addedFrom = dealt.addedFrom.get(topic) ?? Number.POSITIVE_INFINITY;
      const named = typeof this.from === 'string' ? {} : (ownEntry(this.from.offsets, topic) ?? {});
      const asked = partitions.filter((partition) => partition < addedFrom || named[partition] !== undefined);
      const found = await startOffsets(this.cluster, topic, asked, this.from);
      for (const partition of partitions) starts.set(keyOf({ topic, partition }), found.get(partition) ?? 0);
    }
    return starts;
  }

  /**
   * Commits what can be of these partitions, under the generation they were dealt in: the broker refuses any other.
   * Resolves with false when there was nothing to commit.
   */
  async commit(owned: Iterable<OwnedPartition>, { memberId, generation }: Membership): Promise<boolean> {
    const due: { owned: OwnedPartition; offset: number }[] = [];
    const topics = new Map<string, { partition: number; offset: string }[]>();
    for (const one of owned) {
      const offset = one.committable;
      if (offset === one.committed) continue;
      one.attempted = offset;
      due.push({ owned: one, offset });
      const partitions = topics.get(one.topic) ?? [];
      partitions.push({ partition: one.partition, offset: String(offset) });
      topics.set(one.topic, partitions);
    }
    if (due.length === 0) return false;
    const coordinator = await this.cluster.coordinator(this.group);
    await coordinator.request('OffsetCommit', {
      groupId: this.group,
      groupGenerationId: generation,
      memberId,
      retentionTime: -1,
      topics: [...topics].map(([topic, partitions]) => ({ topic, partitions })),
    });
    for (const { owned: one, offset } of due) one.committed = offset;
    return true;
  }
}

export function keyOf({ topic, partition }: TopicPartition): string {
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
