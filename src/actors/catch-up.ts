import type { LogAdmin, Reader } from '../core/log.ts';

/** Milliseconds between two looks at a reader's positions, and between two tries to ask for the ends. */
const LOOK = 20;
const RETRY = 500;

/**
 * Waits until a reader has handed on what its topics had when this was called. The last visible record of a compacted
 * topic may stand well before the end, so positions are compared, not records. False once `isWanted` says so.
 */
export async function catchUp(
  admin: LogAdmin,
  reader: Reader,
  topics: readonly string[],
  isWanted: () => boolean,
): Promise<boolean> {
  const ends = await askEnds(admin, topics, isWanted);
  const isBehind = ({ topic, partition, latest }: End) => (reader.positions().get(topic)?.get(partition) ?? 0) < latest;
  while (isWanted()) {
    if (!ends.some(isBehind)) return true;
    await pause(LOOK);
  }
  return false;
}

interface End {
  readonly topic: string;
  readonly partition: number;
  readonly latest: number;
}

async function askEnds(admin: LogAdmin, topics: readonly string[], isWanted: () => boolean): Promise<End[]> {
  while (isWanted()) {
    try {
      const offsets = await Promise.all(topics.map(async (topic) => ({ topic, ends: await admin.offsets(topic) })));
      return offsets.flatMap(({ topic, ends }) => ends.map(({ partition, latest }) => ({ topic, partition, latest })));
    } catch {
      // The log is away, which it says by itself.
      await pause(RETRY);
    }
  }
  return [];
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}
