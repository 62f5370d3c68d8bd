import { ExactNumber, writeJson } from '../../core/exact-number.ts';
import type { LogAdmin } from '../../core/log.ts';
import { quoteValue } from '../../core/quote.ts';
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
    if (!topics.includes(topic))
      throw new ConnectRefusal(400, `The connector does not read the topic ${quoteValue(topic)}`);
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
  if (partition === null)
    throw new ConnectRefusal(400, 'The partition for a sink connector offset cannot be null or missing');
  const { kafka_topic: topic, kafka_partition } = partition;
  if (typeof topic !== 'string' || kafka_partition === undefined || kafka_partition === null)
    throw new ConnectRefusal(
      400,
      "The partition for a sink connector offset must contain the keys 'kafka_topic' and 'kafka_partition'",
    );
  const number = integer(kafka_partition, 'partition');
  if (offset === null) return { topic, partition: number, offset: null };
  const { kafka_offset } = offset;
  if (kafka_offset === undefined || kafka_offset === null)
    throw new ConnectRefusal(
      400,
      "The offset for a sink connector should either be null or contain the key 'kafka_offset'",
    );
  const wanted = integer(kafka_offset, 'offset');
  if (wanted < 0) throw new ConnectRefusal(400, `An offset is 0 or more, not ${wanted}`);
  return { topic, partition: number, offset: wanted };
}

/** A number, or a text that is one. */
function integer(value: unknown, what: 'partition' | 'offset'): number {
  const text = typeof value === 'object' && !(value instanceof ExactNumber) ? writeJson(value) : String(value);
  const number = text === undefined || text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isSafeInteger(number)) return number;
  const name = what === 'offset' ? 'Offset' : 'Partition';
  throw new ConnectRefusal(
    400,
    `Failed to parse the following Kafka ${what} value in the provided offsets: '${text}'. ${name} values for sink connectors need to be integers.`,
  );
}
