import type { PartitionOffsets, StartPosition } from '../../../core/log.ts';
import { ownEntry } from '../../../core/own-entry.ts';
import type { Cluster } from '../connection/cluster.ts';
import type { BrokerConnection } from '../connection/connection.ts';
import { READ_COMMITTED } from '../wire/fetch-request.ts';

/** Time stamps that mean a place, https://kafka.apache.org/protocol#The_Messages_ListOffsets */
const LATEST = -1;
const EARLIEST = -2;

interface OffsetsAnswer {
  readonly responses: readonly {
    readonly partitions: readonly { readonly partition: number; readonly offset: string }[];
  }[];
}

/** The first offset at or after a time, by partition; -1 where there is none. Needs metadata of the topic. */
async function listOffsets(
  cluster: Cluster,
  topic: string,
  partitions: readonly number[],
  timestamp: number,
): Promise<Map<number, number>> {
  const byLeader = new Map<BrokerConnection, number[]>();
  for (const partition of partitions) {
    const leader = await cluster.leader(topic, partition);
    const list = byLeader.get(leader);
    if (list === undefined) byLeader.set(leader, [partition]);
    else list.push(partition);
  }
  const offsets = new Map<number, number>();
  const asked = [...byLeader].map(async ([leader, some]) => {
    const answer = await leader.request<OffsetsAnswer>('ListOffsets', {
      replicaId: -1,
      isolationLevel: READ_COMMITTED,
      topics: [{ topic, partitions: some.map((partition) => ({ partition, timestamp })) }],
    });
    for (const response of answer.responses) {
      for (const { partition, offset } of response.partitions) offsets.set(partition, Number(offset));
    }
  });
  await Promise.all(asked);
  return offsets;
}

export function earliestOffsets(cluster: Cluster, topic: string, partitions: readonly number[]) {
  return listOffsets(cluster, topic, partitions, EARLIEST);
}

export function latestOffsets(cluster: Cluster, topic: string, partitions: readonly number[]) {
  return listOffsets(cluster, topic, partitions, LATEST);
}

export async function bothEnds(
  cluster: Cluster,
  topic: string,
  partitions: readonly number[],
): Promise<PartitionOffsets[]> {
  const [earliest, latest] = await Promise.all([
    earliestOffsets(cluster, topic, partitions),
    latestOffsets(cluster, topic, partitions),
  ]);
  return partitions.map((partition) => ({
    partition,
    earliest: earliest.get(partition) ?? 0,
    latest: latest.get(partition) ?? 0,
  }));
}

/** Where reading begins, by partition. `last: n` means the last n offsets of each partition, so up to n times their number. */
export async function startOffsets(
  cluster: Cluster,
  topic: string,
  partitions: readonly number[],
  from: StartPosition,
): Promise<Map<number, number>> {
  if (from === 'earliest') return earliestOffsets(cluster, topic, partitions);
  if (from === 'latest') return latestOffsets(cluster, topic, partitions);
  if ('last' in from) {
    const ends = await bothEnds(cluster, topic, partitions);
    return new Map(ends.map(({ partition, earliest, latest }) => [partition, Math.max(earliest, latest - from.last)]));
  }
  if ('checkpoint' in from) {
    const offsets = from.checkpoint.get(topic)?.offsets;
    return new Map(partitions.map((partition) => [partition, offsets?.get(partition) ?? 0]));
  }
  const given = 'offsets' in from ? (ownEntry(from.offsets, topic) ?? {}) : {};
  const others = partitions.filter((partition) => given[partition] === undefined);
  const latest = others.length === 0 ? new Map<number, number>() : await latestOffsets(cluster, topic, others);
  if ('timestamp' in from) {
    const found = await listOffsets(cluster, topic, partitions, from.timestamp);
    for (const [partition, offset] of found) {
      if (offset >= 0) latest.set(partition, offset);
    }
    return latest;
  }
  for (const partition of partitions) {
    const offset = given[partition];
    if (offset !== undefined) latest.set(partition, offset);
  }
  return latest;
}
