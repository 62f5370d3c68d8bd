import type { GroupCommit } from '../../group-commit.ts';
import type { Cluster } from '../connection/cluster.ts';
import { type CommitEntry, decodeNote, encodeNote } from '../wire/commit-note.ts';
import { abortLeft, whenStable } from './left-open.ts';
import { fetchOffsets } from './offset-fetch.ts';

/** What a group has committed of a partition. */
export interface Committed extends GroupCommit {
  /** Id of the topic that the offset belongs to; undefined where the commit does not say. */
  readonly topicId: string | undefined;
}

export function commitEntry(
  partition: number,
  { offset, note }: GroupCommit,
  topicId: string | undefined,
  writer?: string,
): CommitEntry {
  return { partition, offset: String(offset), metadata: encodeNote({ topicId, state: note, writer }) };
}

/** Whether an offset counts for the topic with this id: one of a topic of the same name that is gone does not. */
export function isOf(topicId: string | undefined, committed: Committed): boolean {
  return topicId === undefined || committed.topicId === undefined || committed.topicId === topicId;
}

/**
 * Commits by partition, those of an earlier topic of the name too; partitions without one are left out. Waits for a coordinator
 * that moves, and for transactions that may change them.
 */
export async function fetchCommitted(
  cluster: Cluster,
  group: string,
  topic: string,
  partitions: readonly number[],
): Promise<Map<number, Committed>> {
  const committed = new Map<number, Committed>();
  if (partitions.length === 0) return committed;
  const offsets = await whenStable(
    () => fetchOffsets(cluster, group, topic, partitions),
    () => abortLeft(cluster, group, topic, partitions),
  );
  for (const { partition, offset, metadata } of offsets) {
    if (offset < 0) continue;
    const { topicId, state: note } = decodeNote(metadata);
    committed.set(partition, { offset, topicId, note });
  }
  return committed;
}
