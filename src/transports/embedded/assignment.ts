import type { PartitionState } from './topic-state.ts';

/** What the assignment knows of a member. */
export interface Candidate {
  readonly topics: ReadonlySet<string>;
}

/**
 * Shares partitions out among members as evenly as their topics allow (counts differ by one at most between members of
 * the same topics), and moves no partition that can stay where it is.
 */
export function assignSticky<M extends Candidate>(
  partitions: readonly PartitionState[],
  members: readonly M[],
  before: ReadonlyMap<PartitionState, M>,
): Map<M, PartitionState[]> {
  const shares = new Map<M, PartitionState[]>(members.map((member) => [member, []]));
  const homeless: PartitionState[] = [];
  for (const partition of partitions) {
    const owner = before.get(partition);
    const share = owner?.topics.has(partition.topic.name) ? shares.get(owner) : undefined;
    (share ?? homeless).push(partition);
  }
  for (const partition of homeless) smallest(shares, partition)?.push(partition);
  while (moveOne(shares)) {
    // Each move makes the shares more even, so this ends.
  }
  return shares;
}

function smallest<M extends Candidate>(
  shares: ReadonlyMap<M, PartitionState[]>,
  partition: PartitionState,
): PartitionState[] | undefined {
  let found: PartitionState[] | undefined;
  for (const [member, share] of shares) {
    if (!member.topics.has(partition.topic.name)) continue;
    if (found === undefined || share.length < found.length) found = share;
  }
  return found;
}

function moveOne<M extends Candidate>(shares: ReadonlyMap<M, PartitionState[]>): boolean {
  for (const share of [...shares.values()].sort((a, b) => b.length - a.length)) {
    // The last ones go first: a member keeps what it has had for longest.
    for (let at = share.length - 1; at >= 0; at -= 1) {
      const partition = share[at] as PartitionState;
      const other = smallest(shares, partition);
      if (other === undefined || other.length + 1 >= share.length) continue;
      share.splice(at, 1);
      other.push(partition);
      return true;
    }
  }
  return false;
}
