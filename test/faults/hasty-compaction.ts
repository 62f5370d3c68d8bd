import { Kafka, logLevel } from 'kafkajs';
import { until } from '../helpers/gateway-process.ts';
import { readTopic } from '../helpers/topic-content.ts';

/** Creates compacted topics that the broker cleans as early as it can, before any gateway starts. */
export async function createHastyTopics(brokers: string, topics: readonly string[]): Promise<void> {
  const admin = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const config = {
    'cleanup.policy': 'compact',
    'segment.ms': '1000',
    'min.cleanable.dirty.ratio': '0.01',
    'delete.retention.ms': '100',
  };
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
  await admin.createTopics({ topics: topics.map((topic) => ({ topic, numPartitions: 1, configEntries })) });
  await admin.disconnect();
}

/** Resolves with a summary when at most a quarter of the records about `visits` clients that have left remain. */
export async function compacted(brokers: string, topic: string, visits: number): Promise<string> {
  let [remaining, end] = [0, 0];
  const summary = () => `${remaining} of ${end} records about members remain`;
  await until(
    async () => {
      const records = await readTopic(brokers, topic);
      remaining = records.filter(({ key }) => key?.includes('/member/')).length;
      end = (records.at(-1)?.offset ?? 0) + 1;
      return end > 2 * visits && remaining < visits / 4;
    },
    20_000,
    () => `${topic} is not compacted: ${summary()}`,
  );
  return summary();
}
