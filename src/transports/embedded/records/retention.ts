import type { Records } from './records.ts';
import { hasPolicy, numberSetting, type PartitionState } from './topic-state.ts';

export interface RetentionDefaults {
  /** Bytes of a whole topic. */
  readonly retention_bytes: number;
  /** Milliseconds. */
  readonly retention_time: number;
}

/** Bytes that the partition may hold: the topic's own retention.bytes, which is per partition as in Kafka, or its share. */
export function byteLimit({ topic }: PartitionState, { retention_bytes }: RetentionDefaults): number {
  if (!hasPolicy(topic, 'delete')) return Number.POSITIVE_INFINITY;
  return numberSetting(topic, 'retention.bytes', Math.floor(retention_bytes / topic.partitions.length));
}

/** Drops whole batches from the old end: while there are too many bytes, the newest batch left alone, and what is too old. */
export async function applyRetention(
  records: Records,
  partition: PartitionState,
  defaults: RetentionDefaults,
  now: number,
): Promise<void> {
  if (!hasPolicy(partition.topic, 'delete')) return;
  const mostBytes = byteLimit(partition, defaults);
  const oldest = now - numberSetting(partition.topic, 'retention.ms', defaults.retention_time);
  await records.dropOldest(partition, ({ bytes, maxTimestamp }, left) => {
    const isTooMuch = left.bytes > mostBytes && left.bytes > bytes;
    return isTooMuch || maxTimestamp < oldest;
  });
}
