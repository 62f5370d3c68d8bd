export interface Wishes<P, M> {
  /** Whether the member is subscribed to the partition's topic. */
  wants(member: M, partition: P): boolean;
  /** The member that has had the partition so far. */
  ownerOf(partition: P): M | undefined;
}

interface Share<P, M> {
  readonly member: M;
  readonly partitions: P[];
}

/**
 * Assigns partitions to the members of a group: as evenly as their subscriptions allow (members of the same topics differ
 * by one at most), with as few moves as that takes. Every member gets an entry; a partition that no member wants gets none. The same input
 * gives the same answer.
 */
export function assignSticky<P, M>(
  partitions: readonly P[],
  members: readonly M[],
  { wants, ownerOf }: Wishes<P, M>,
): Map<M, P[]> {
  const shares = new Map(members.map((member) => [member, { member, partitions: [] as P[] }]));
  const all = [...shares.values()];
  const free: P[] = [];
  for (const partition of partitions) {
    const owner = ownerOf(partition);
    const share = owner !== undefined && wants(owner, partition) ? shares.get(owner) : undefined;
    (share?.partitions ?? free).push(partition);
  }
  for (const partition of free) smallest(all, partition, wants)?.partitions.push(partition);
  // Each move makes the shares more even, so this ends.
  for (let move = nextMove(all, wants); move !== undefined; move = nextMove(all, wants))
    move.to.partitions.push(...move.from.partitions.splice(move.at, 1));
  return new Map(all.map(({ member, partitions: assigned }) => [member, assigned]));
}

/** What belongs together. */
export interface Together<P> {
  /** How many topics the members have, those that do not exist included. */
  readonly topics: number;
  readonly numberOf: (partition: P) => number;
}

/**
 * The same where partitions of the same number of all topics go to the same member, if that wants their topics. A number
 * that not every topic has is assigned to none.
 */
export function assignTogether<P, M>(
  partitions: readonly P[],
  members: readonly M[],
  { wants, ownerOf }: Wishes<P, M>,
  { topics, numberOf }: Together<P>,
): Map<M, P[]> {
  const byNumber = new Map<number, P[]>();
  for (const partition of partitions) {
    const others = byNumber.get(numberOf(partition));
    if (others === undefined) byNumber.set(numberOf(partition), [partition]);
    else others.push(partition);
  }
  const together = [...byNumber.values()].filter(({ length }) => length === topics);
  const shares = assignSticky(together, members, {
    wants: (member, all) => all.some((partition) => wants(member, partition)),
    ownerOf: (all) => all.map(ownerOf).find((owner) => owner !== undefined),
  });
  return new Map(
    [...shares].map(([member, share]) => [member, share.flat().filter((partition) => wants(member, partition))]),
  );
}

function smallest<P, M>(
  shares: readonly Share<P, M>[],
  partition: P,
  wants: Wishes<P, M>['wants'],
): Share<P, M> | undefined {
  let found: Share<P, M> | undefined;
  for (const share of shares) {
    if (found !== undefined && share.partitions.length >= found.partitions.length) continue;
    if (wants(share.member, partition)) found = share;
  }
  return found;
}

/** One partition of a fuller member, for one that has at least two fewer. */
function nextMove<P, M>(
  shares: readonly Share<P, M>[],
  wants: Wishes<P, M>['wants'],
): { readonly from: Share<P, M>; readonly to: Share<P, M>; readonly at: number } | undefined {
  const bySize = [...shares].sort((a, b) => b.partitions.length - a.partitions.length);
  for (const from of bySize) {
    for (const to of [...bySize].reverse()) {
      if (from.partitions.length - to.partitions.length < 2) break;
      // What came last goes first: it was not its own before.
      const at = from.partitions.findLastIndex((partition) => wants(to.member, partition));
      if (at >= 0) return { from, to, at };
    }
  }
  return undefined;
}
