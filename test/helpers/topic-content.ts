import { randomUUID } from 'node:crypto';
import { type Admin, Kafka, logLevel } from 'kafkajs';

export interface StoredRecord {
  readonly partition: number;
  readonly offset: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly key: string | undefined;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The content of a topic, read by a plain kafkajs consumer: not by code under test. */
export async function readTopic(brokers: string, topic: string): Promise<StoredRecord[]> {
  const kafka = new Kafka({ brokers: brokers.split(','), clientId: 'test-reader', logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const ends = (await offsetsOf(admin, topic)).map(({ partition, low, high }) => ({
    partition,
    low: Number(low),
    high: Number(high),
  }));
  await admin.disconnect();
  const missing = new Set(ends.filter(({ low, high }) => high > low).map(({ partition }) => partition));
  const records: StoredRecord[] = [];
  if (missing.size === 0) return records;

  const consumer = kafka.consumer({ groupId: `test-${randomUUID()}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        autoCommit: false,
        eachBatch: async ({ batch }) => {
          for (const { key, value, offset, timestamp, headers } of batch.messages) {
            const texts = Object.entries(headers ?? {}).map(([name, text]) => [name, String(text)] as const);
            records.push({
              partition: batch.partition,
              offset: Number(offset),
              time: Number(timestamp),
              key: key?.toString(),
              value: value?.toString() ?? '',
              headers: Object.fromEntries(texts),
            });
          }
          const end = ends.find(({ partition }) => partition === batch.partition)?.high ?? 0;
          if (Number(batch.lastOffset()) >= end - 1) missing.delete(batch.partition);
          if (missing.size === 0) resolve();
        },
      })
      .catch(reject);
  });
  await consumer.disconnect();
  return records;
}

/** How often each id occurs in the envelopes of a topic. */
export function countIds(records: readonly StoredRecord[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { value } of records) {
    const id = String((JSON.parse(value) as { id?: unknown }).id);
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}

/** A broker that has just become a partition's leader may not know it yet, which kafkajs leaves to its callers here. */
async function offsetsOf(admin: Admin, topic: string): ReturnType<Admin['fetchTopicOffsets']> {
  for (let left = 20; ; left -= 1) {
    try {
      return await admin.fetchTopicOffsets(topic);
    } catch (error) {
      if (left === 0 || (error as { retriable?: boolean }).retriable !== true) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
