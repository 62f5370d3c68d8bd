import { Kafka, logLevel } from 'kafkajs';
import { FEED_START, feedMessage, SEQ_DIGITS } from './feed-message.ts';

export interface FeedContent {
  /** Messages that were sent and are not in the topic. */
  readonly missing: number;
  /** Records that are there once more. */
  readonly doubled: number;
  /** Records with other bytes, or before an older one of their partition. */
  readonly wrong: number;
}

/** Reads a topic that messages 1 to `sent` of the feed went to, and nothing else, and checks every one. */
export async function checkFeed(brokers: string, topic: string, sent: number, bytes: number): Promise<FeedContent> {
  const kafka = new Kafka({ clientId: 'bench-check', brokers: brokers.split(','), logLevel: logLevel.NOTHING });
  const ends = await endsOf(kafka, topic);
  const seen = new Uint8Array(sent + 1);
  const last = new Map<number, number>();
  let [doubled, wrong, distinct] = [0, 0, 0];
  const expected = feedMessage(0, bytes);
  const check = (partition: number, value: Buffer) => {
    const seq = Number(value.toString('latin1', FEED_START.length, FEED_START.length + SEQ_DIGITS));
    expected.write(String(seq).padStart(SEQ_DIGITS, '0'), FEED_START.length, 'latin1');
    const isOne = seq >= 1 && seq <= sent && expected.equals(value);
    if (!isOne || seq < (last.get(partition) ?? 0)) wrong += 1;
    if (!isOne) return;
    last.set(partition, seq);
    if (seen[seq] === 1) doubled += 1;
    else distinct += 1;
    seen[seq] = 1;
  };
  const consumer = kafka.consumer({ groupId: `check-${topic}`, maxBytesPerPartition: 8_388_608 });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    if (ends.size === 0) resolve();
    consumer
      .run({
        autoCommit: false,
        eachBatch: async ({ batch }) => {
          for (const { value } of batch.messages) check(batch.partition, value ?? Buffer.alloc(0));
          if (Number(batch.lastOffset()) >= (ends.get(batch.partition) ?? 0) - 1) ends.delete(batch.partition);
          if (ends.size === 0) resolve();
        },
      })
      .catch(reject);
  });
  await consumer.disconnect();
  return { missing: sent - distinct, doubled, wrong };
}

/** End offsets of the partitions that have records. */
async function endsOf(kafka: Kafka, topic: string): Promise<Map<number, number>> {
  const admin = kafka.admin();
  await admin.connect();
  const offsets = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  return new Map(
    offsets.filter(({ high }) => Number(high) > 0).map(({ partition, high }) => [partition, Number(high)]),
  );
}
