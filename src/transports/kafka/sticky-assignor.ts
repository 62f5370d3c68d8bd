import type { TopicPartition } from '../../core/log.ts';

export interface Candidate {
  readonly id: string;
  readonly topics: readonly string[];
  /** What it held, as of `generation`. */
  readonly owned: readonly TopicPartition[];
  readonly generation: number;
}

interface Load extends Candidate {
  readonly subscribed: ReadonlySet<string>;
  readonly held: TopicPartition[];
}

/**
 * Deals partitions to the members of a group: as evenly as their subscriptions allow, with as few moves as that takes.
 * kafkajs's own assignor deals by the order of random member ids: three quarters of all partitions move when one joins.
 * `counts` has the partitions of each topic. Every member gets an entry; the same input gives the same answer.
 */
export function assignSticky(
  candidates: readonly Candidate[],
  counts: ReadonlyMap<string, number>,
): Map<string, TopicPartition[]> {
  const loads: Load[] = [...candidates]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map((candidate) => ({ ...candidate, subscribed: new Set(candidate.topics), held: [] }));
  const owners = claims(loads);
  const free: TopicPartition[] = [];
  for (const [topic, count] of counts) {
    for (let partition = 0; partition < count; partition += 1) {
      const owner = owners.get(`${topic}/${partition}`);
      if (owner?.subscribed.has(topic)) owner.held.push({ topic, partition });
      else free.push({ topic, partition });
    }
  }
  for (const place of free) leastLoaded(loads, place.topic)?.held.push(place);
  balance(loads);
  return new Map(loads.map(({ id, held }) => [id, held]));
}

/**
 * What of a deal can be taken up at once. A partition that another member has is dealt to nobody until that one has let go
 * of it and joined again: no two read it at a time, and the next one begins behind all that was confirmed.
 */
export function withoutHeld(
  candidates: readonly Candidate[],
  dealt: ReadonlyMap<string, readonly TopicPartition[]>,
): { readonly dealt: Map<string, TopicPartition[]>; readonly isPartial: boolean } {
  const owners = claims(candidates);
  const free = new Map<string, TopicPartition[]>();
  let isPartial = false;
  for (const [id, partitions] of dealt) {
    const taken = partitions.filter(({ topic, partition }) => (owners.get(`${topic}/${partition}`)?.id ?? id) === id);
    free.set(id, taken);
    isPartial ||= taken.length < partitions.length;
  }
  return { dealt: free, isPartial };
}

/** Who held what; of two that claim the same, the one with the newer generation. */
function claims<C extends Candidate>(candidates: readonly C[]): Map<string, C> {
  const owners = new Map<string, C>();
  for (const candidate of candidates) {
    for (const { topic, partition } of candidate.owned) {
      const key = `${topic}/${partition}`;
      const other = owners.get(key);
      if (other === undefined || other.generation < candidate.generation) owners.set(key, candidate);
    }
  }
  return owners;
}

function leastLoaded(loads: readonly Load[], topic: string): Load | undefined {
  let least: Load | undefined;
  for (const load of loads) {
    if (load.subscribed.has(topic) && (least === undefined || load.held.length < least.held.length)) least = load;
  }
  return least;
}

/** Moves one partition at a time from a fuller member to one with at least two fewer; each move evens the deal. */
function balance(loads: readonly Load[]): void {
  for (let move = nextMove(loads); move !== undefined; move = nextMove(loads)) {
    const [moved] = move.from.held.splice(move.at, 1);
    if (moved !== undefined) move.to.held.push(moved);
  }
}

function nextMove(loads: readonly Load[]): { from: Load; to: Load; at: number } | undefined {
  const byLoad = [...loads].sort((a, b) => b.held.length - a.held.length);
  for (const from of byLoad) {
    for (let index = byLoad.length - 1; index >= 0; index -= 1) {
      const to = byLoad[index] as Load;
      if (from.held.length - to.held.length < 2) break;
      // What came last goes first: it was not its own before.
      const at = from.held.findLastIndex(({ topic }) => to.subscribed.has(topic));
      if (at >= 0) return { from, to, at };
    }
  }
  return undefined;
}
