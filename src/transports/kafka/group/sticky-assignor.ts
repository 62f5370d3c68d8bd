import type { TopicPartition } from '../../../core/log.ts';
import { partitionKey } from '../../../core/partition-key.ts';
import { assignSticky, assignTogether } from '../../sticky-assignment.ts';

export interface Candidate {
  readonly id: string;
  readonly topics: readonly string[];
  /** What it held, as of `generation`. */
  readonly owned: readonly TopicPartition[];
  readonly generation: number;
  /** Partitions of the same number of all topics go to the same member. */
  readonly coPartitioned?: boolean;
}

/**
 * Assigns partitions to the members of a group. kafkajs's own assignor goes by the order of random member ids: three quarters
 * of all partitions move when one joins. `counts` has the partitions of each topic.
 */
export function assign(
  candidates: readonly Candidate[],
  counts: ReadonlyMap<string, number>,
): Map<string, TopicPartition[]> {
  const members = [...candidates].sort((a, b) => (a.id < b.id ? -1 : 1));
  const owners = claims(members);
  const topics = new Map(members.map((member) => [member, new Set(member.topics)]));
  const partitions = [...counts].flatMap(([topic, count]) =>
    Array.from({ length: count }, (_, partition) => ({ topic, partition })),
  );
  const wishes = {
    wants: (member: Candidate, { topic }: TopicPartition) => topics.get(member)?.has(topic) === true,
    ownerOf: (place: TopicPartition) => owners.get(partitionKey(place)),
  };
  const areTogether = members.some(({ coPartitioned }) => coPartitioned);
  const shares = areTogether
    ? assignTogether(partitions, members, wishes, { topics: counts.size, numberOf: ({ partition }) => partition })
    : assignSticky(partitions, members, wishes);
  return new Map([...shares].map(([{ id }, share]) => [id, share]));
}

/**
 * What of an assignment can be taken up at once. A partition that another member has is assigned to no member until that one has let go
 * of it and joined again: no two read it at a time, and the next one begins behind all that was confirmed.
 */
export function withoutHeld(
  candidates: readonly Candidate[],
  assigned: ReadonlyMap<string, readonly TopicPartition[]>,
): { readonly assigned: Map<string, TopicPartition[]>; readonly isPartial: boolean } {
  const owners = claims(candidates);
  const free = new Map<string, TopicPartition[]>();
  let isPartial = false;
  for (const [id, partitions] of assigned) {
    const taken = partitions.filter((place) => (owners.get(partitionKey(place))?.id ?? id) === id);
    free.set(id, taken);
    isPartial ||= taken.length < partitions.length;
  }
  return { assigned: free, isPartial };
}

/** The owner of each partition; of two that claim the same, the one with the newer generation. */
function claims<C extends Candidate>(candidates: readonly C[]): Map<string, C> {
  const owners = new Map<string, C>();
  for (const candidate of candidates) {
    for (const place of candidate.owned) {
      const key = partitionKey(place);
      const other = owners.get(key);
      if (other === undefined || other.generation < candidate.generation) owners.set(key, candidate);
    }
  }
  return owners;
}
