import type { GroupCommit } from '../group-commit.ts';
import type { Cluster } from './cluster.ts';
import { decodeNote, encodeNote } from './commit-note.ts';
import type { BrokerConnection } from './connection.ts';
import { whenReady } from './when-ready.ts';

/** What a group has committed of a partition. */
export interface Committed extends GroupCommit {
  /** Id of the topic that the offset belongs to; undefined where the commit does not say. */
  readonly topicId: string | undefined;
}

/** A partition of an OffsetCommit request. */
export interface CommitEntry {
  readonly partition: number;
  readonly offset: string;
  readonly metadata: string;
}

interface CommittedAnswer {
  readonly responses: readonly {
    readonly partitions: readonly {
      readonly partition: number;
      readonly offset: string;
      readonly metadata: string | null;
    }[];
  }[];
}

export function commitEntry(
  partition: number,
  { offset, note }: GroupCommit,
  topicId: string | undefined,
): CommitEntry {
  return { partition, offset: String(offset), metadata: encodeNote({ topicId, state: note }) };
}

/** Whether an offset counts for the topic with this id: one of a topic of the same name that is gone does not. */
export function isOf(topicId: string | undefined, committed: Committed): boolean {
  return topicId === undefined || committed.topicId === undefined || committed.topicId === topicId;
}

/** Commits by partition, those of an earlier topic of the name too; partitions without one are left out. Waits for a coordinator that moves. */
export function fetchCommitted(
  cluster: Cluster,
  group: string,
  topic: string,
  partitions: readonly number[],
): Promise<Map<number, Committed>> {
  return whenReady(async () => ask(await cluster.coordinator(group), group, topic, partitions));
}

async function ask(
  coordinator: BrokerConnection,
  group: string,
  topic: string,
  partitions: readonly number[],
): Promise<Map<number, Committed>> {
  const committed = new Map<number, Committed>();
  if (partitions.length === 0) return committed;
  const answer = await coordinator.request<CommittedAnswer>('OffsetFetch', {
    groupId: group,
    topics: [{ topic, partitions: partitions.map((partition) => ({ partition })) }],
  });
  for (const response of answer.responses) {
    for (const { partition, offset, metadata } of response.partitions) {
      if (Number(offset) < 0) continue;
      const { topicId, state: note } = decodeNote(metadata);
      committed.set(partition, { offset: Number(offset), topicId, note });
    }
  }
  return committed;
}
