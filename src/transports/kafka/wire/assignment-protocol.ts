import kafkajs from 'kafkajs';
import type { TopicPartition } from '../../../core/log.ts';

const { AssignerProtocol } = kafkajs;

/** Name under which members agree on how partitions are assigned; all members of a group must offer it. */
export const PROTOCOL = 'tidegate-sticky';

/** What a member says of itself when it joins. */
export interface Subscription {
  readonly topics: readonly string[];
  readonly owned: readonly TopicPartition[];
  readonly generation: number;
  /** How many partitions the topics had at the last assignment; empty for a new member. */
  readonly counts: ReadonlyMap<string, number>;
  /** Ids of the topics as of then, where they have one. */
  readonly ids: ReadonlyMap<string, string>;
  /** Shown to the other members; undefined for nothing. */
  readonly label: string | undefined;
  /** Partitions of the same number of all topics go to the same member. */
  readonly coPartitioned: boolean;
}

/** What the leader gives to each member. */
export interface Assignment {
  readonly partitions: readonly TopicPartition[];
  /** Partitions per topic, as the leader saw them. */
  readonly counts: ReadonlyMap<string, number>;
  /** Per topic, the first partition that was added since the last assignment: from there on reading starts at the first record. */
  readonly addedFrom: ReadonlyMap<string, number>;
  /** Ids of the topics, where they have one. */
  readonly ids: ReadonlyMap<string, string>;
  /** Ids that members knew of topics which have another one now: those were deleted and created again since. */
  readonly recreated: ReadonlyMap<string, string>;
  /** Labels of all members that have one. */
  readonly members: readonly string[];
  /** Whether partitions are held back until the members that have them let go of them; then there is another assignment. */
  readonly isPartial: boolean;
}

type ByTopic = Record<string, number[]>;

export function encodeSubscription(subscription: Subscription): Buffer {
  const { topics, owned, generation, counts, ids, label, coPartitioned } = subscription;
  const facts = {
    owned: byTopic(owned),
    generation,
    counts: Object.fromEntries(counts),
    ids: Object.fromEntries(ids),
    label,
    // Earlier versions say nothing of it.
    coPartitioned: coPartitioned || undefined,
  };
  return AssignerProtocol.MemberMetadata.encode({
    version: 0,
    topics: [...topics],
    userData: Buffer.from(JSON.stringify(facts)),
  });
}

/** Facts that cannot be read count as none: another program may share the group. */
export function decodeSubscription(bytes: Buffer): Subscription {
  const metadata = AssignerProtocol.MemberMetadata.decode(bytes);
  const facts = parse<{
    owned: ByTopic;
    generation: number;
    counts: Record<string, number>;
    ids: Record<string, string>;
    label: string;
    coPartitioned: boolean;
  }>(metadata?.userData);
  return {
    topics: metadata?.topics ?? [],
    owned: flat(facts.owned ?? {}),
    generation: facts.generation ?? -1,
    counts: new Map(Object.entries(facts.counts ?? {})),
    ids: new Map(Object.entries(facts.ids ?? {})),
    label: facts.label,
    coPartitioned: facts.coPartitioned === true,
  };
}

export function encodeAssignment({
  partitions,
  counts,
  addedFrom,
  ids,
  recreated,
  members,
  isPartial,
}: Assignment): Buffer {
  const facts = {
    counts: Object.fromEntries(counts),
    addedFrom: Object.fromEntries(addedFrom),
    ids: Object.fromEntries(ids),
    recreated: Object.fromEntries(recreated),
    members,
    isPartial,
  };
  return AssignerProtocol.MemberAssignment.encode({
    version: 0,
    assignment: byTopic(partitions),
    userData: Buffer.from(JSON.stringify(facts)),
  });
}

export function decodeAssignment(bytes: Buffer): Assignment {
  const decoded = bytes.length === 0 ? null : AssignerProtocol.MemberAssignment.decode(bytes);
  const facts = parse<{
    counts: Record<string, number>;
    addedFrom: Record<string, number>;
    ids: Record<string, string>;
    recreated: Record<string, string>;
    members: string[];
    isPartial: boolean;
  }>(decoded?.userData);
  return {
    partitions: flat(decoded?.assignment ?? {}),
    counts: new Map(Object.entries(facts.counts ?? {})),
    addedFrom: new Map(Object.entries(facts.addedFrom ?? {})),
    ids: new Map(Object.entries(facts.ids ?? {})),
    recreated: new Map(Object.entries(facts.recreated ?? {})),
    members: facts.members ?? [],
    isPartial: facts.isPartial ?? false,
  };
}

/** The numbers of the partitions of each topic. */
export function groupByTopic(partitions: readonly TopicPartition[]): Map<string, number[]> {
  const grouped = new Map<string, number[]>();
  for (const { topic, partition } of partitions) {
    const others = grouped.get(topic);
    if (others === undefined) grouped.set(topic, [partition]);
    else others.push(partition);
  }
  return grouped;
}

function byTopic(partitions: readonly TopicPartition[]): ByTopic {
  return Object.fromEntries(groupByTopic(partitions));
}

function flat(grouped: ByTopic): TopicPartition[] {
  return Object.entries(grouped).flatMap(([topic, partitions]) =>
    partitions.map((partition) => ({ topic, partition })),
  );
}

function parse<T>(userData: Buffer | undefined): Partial<T> {
  try {
    return (JSON.parse(String(userData)) as Partial<T> | null) ?? {};
  } catch {
    return {};
  }
}
