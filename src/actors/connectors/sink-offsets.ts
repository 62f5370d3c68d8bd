import type { LogAdmin } from '../../core/log.ts';
import { isCount } from './config-records.ts';
import type { OffsetChange, SourceOffset } from './offset-table.ts';
import { ConnectRefusal } from './refusal.ts';

/** What the group of a sink connector has committed, in Connect's words. */
export async function sinkOffsets(
  admin: Pick<LogAdmin, 'committed'>,
  group: string,
  topics: readonly string[],
): Promise<SourceOffset[]> {
  const offsets: SourceOffset[] = [];
  for (const topic of topics)
    for (const [partition, offset] of await admin.committed(group, topic))
      offsets.push({
        partition: { kafka_topic: topic, kafka_partition: partition },
        offset: { kafka_offset: offset },
      });
  return offsets;
}

/** Sets what the group has committed; the group has no members. A partition whose offset is null begins at its first record. */
export async function alterSinkOffsets(
  admin: Pick<LogAdmin, 'setCommitted' | 'offsets'>,
  group: string,
  topics: readonly string[],
  changes: readonly OffsetChange[],
): Promise<void> {
  const byTopic = new Map<string, Map<number, number | null>>();
  for (const change of changes) {
    const { topic, partition, offset } = placed(change);
    if (!topics.includes(topic)) throw new ConnectRefusal(400, `The connector does not read the topic ${topic}`);
    const offsets = byTopic.get(topic) ?? new Map<number, number | null>();
    byTopic.set(topic, offsets.set(partition, offset));
  }
  for (const [topic, offsets] of byTopic) {
    const ends = new Map((await admin.offsets(topic)).map((one) => [one.partition, one]));
    const wanted = new Map<number, number>();
    for (const [partition, offset] of offsets) {
      const end = ends.get(partition);
      if (end === undefined) throw new ConnectRefusal(400, `The topic ${topic} has no partition ${partition}`);
      wanted.set(partition, offset ?? end.earliest);
    }
    await admin.setCommitted(group, topic, wanted);
  }
}

function placed({ partition, offset }: OffsetChange): { topic: string; partition: number; offset: number | null } {
  const { kafka_topic: topic, kafka_partition } = partition;
  const number = Number(kafka_partition);
  if (typeof topic !== 'string' || !isCount(number))
    throw new ConnectRefusal(
      400,
      "The partition for a sink connector offset must contain the keys 'kafka_topic' and 'kafka_partition'",
    );
  if (offset === null) return { topic, partition: number, offset: null };
  const wanted = Number(offset.kafka_offset);
  if (!isCount(wanted))
    throw new ConnectRefusal(
      400,
      "The offset for a sink connector must contain the key 'kafka_offset', a number from 0",
    );
  return { topic, partition: number, offset: wanted };
}
