import type { LogAdmin } from '../core/log.ts';

/** Next offsets by topic and partition, as a reader gives them. */
type Positions = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** The end of a partition at one moment. */
export interface End {
  readonly topic: string;
  readonly partition: number;
  readonly latest: number;
}

/** The current ends of topics. Rejects as the admin does. */
export async function endsOf(admin: LogAdmin, topics: readonly string[]): Promise<End[]> {
  const offsets = await Promise.all(topics.map(async (topic) => ({ topic, ends: await admin.offsets(topic) })));
  return offsets.flatMap(({ topic, ends }) => ends.map(({ partition, latest }) => ({ topic, partition, latest })));
}

/** The last record of a compacted topic may be far before its end, so positions are compared, not records. */
export function haveReached(positions: Positions, ends: readonly End[]): boolean {
  return ends.every(({ topic, partition, latest }) => (positions.get(topic)?.get(partition) ?? 0) >= latest);
}
