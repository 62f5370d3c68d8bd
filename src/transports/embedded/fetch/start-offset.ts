import type { StartPosition } from '../../../core/log.ts';
import { ownEntry } from '../../../core/own-entry.ts';
import { glance } from '../records/batch-reading.ts';
import type { Records } from '../records/records.ts';
import type { PartitionState } from '../records/topic-state.ts';

/** The offset that a position means in a partition now. Offsets that are given are taken as they are, in range or not. */
export async function startOffset(records: Records, partition: PartitionState, from: StartPosition): Promise<number> {
  const { start, end } = partition;
  if (from === 'earliest') return start;
  if (from === 'latest') return end;
  if ('last' in from) return Math.max(start, end - from.last);
  if ('checkpoint' in from) return from.checkpoint.get(partition.topic.name)?.offsets.get(partition.index) ?? start;
  if ('offsets' in from) return ownEntry(from.offsets, partition.topic.name)?.[partition.index] ?? end;
  return records.offsetAt(partition, from.timestamp, ({ value, baseOffset }) => {
    for (const record of glance(value, baseOffset)) if (record.timestamp >= from.timestamp) return record.offset;
    return undefined;
  });
}
