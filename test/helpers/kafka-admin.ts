import { type Admin, Kafka, logLevel, type Message } from 'kafkajs';
import type { Cleanup } from './gateway-process.ts';
import { until } from './gateway-process.ts';

/** Kafka's own side of things, asked by kafkajs: not by code under test. */
export class KafkaAdmin {
  readonly admin: Admin;
  private readonly kafka: Kafka;

  private constructor(kafka: Kafka) {
    this.kafka = kafka;
    this.admin = kafka.admin();
  }

  static async connect(t: Cleanup, brokers: string): Promise<KafkaAdmin> {
    const kafka = new Kafka({ brokers: brokers.split(','), clientId: 'test-admin', logLevel: logLevel.NOTHING });
    const connected = new KafkaAdmin(kafka);
    await connected.admin.connect();
    t.after(() => connected.admin.disconnect());
    return connected;
  }

  async create(topic: string, numPartitions = 1, config: Readonly<Record<string, string>> = {}): Promise<void> {
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    const topics = [{ topic, numPartitions, replicationFactor: 1, configEntries }];
    await this.admin.createTopics({ topics, waitForLeaders: false });
    const isLed = async () => (await this.leaders(topic)) === numPartitions;
    await until(isLed, 60_000, () => `the topic ${topic} was created and has no leaders`);
  }

  /**
   * How many partitions a topic has; 0 while the broker does not know it. Not by way of kafkajs's own wait or offsets,
   * which make all calls of this client fail while one of its topics is not there yet.
   */
  async partitions(topic: string): Promise<number> {
    const found = await this.admin.fetchTopicMetadata({ topics: [topic] }).catch(() => undefined);
    return found?.topics[0]?.partitions.length ?? 0;
  }

  /** How many partitions of a topic have a leader: kafkajs sends a batch once more to all of them where one has none. */
  private async leaders(topic: string): Promise<number> {
    const found = await this.admin.fetchTopicMetadata({ topics: [topic] }).catch(() => undefined);
    return found?.topics[0]?.partitions.filter(({ leader }) => leader >= 0).length ?? 0;
  }

  /** Whether there is such a topic. */
  async has(topic: string): Promise<boolean> {
    return (await this.partitions(topic)) > 0;
  }

  /** Appends in this order, all of it to one partition or by key, and once: a batch whose answer is late is sent again. */
  async produce(
    topic: string,
    messages: readonly Pick<Message, 'key' | 'value' | 'partition' | 'headers'>[],
    atOnce = 1_000,
  ): Promise<void> {
    const producer = this.kafka.producer({ idempotent: true });
    await producer.connect();
    for (let from = 0; from < messages.length; from += atOnce)
      await producer.send({ topic, messages: messages.slice(from, from + atOnce) });
    await producer.disconnect();
  }

  /** What the group has committed of each partition, by its number; -1 for nothing. */
  async committed(group: string, topic: string): Promise<readonly number[]> {
    const [found] = await this.admin.fetchOffsets({ groupId: group, topics: [topic] });
    const partitions = [...(found?.partitions ?? [])].sort((one, other) => one.partition - other.partition);
    return partitions.map(({ offset }) => Number(offset));
  }

  /** Resolves once the group has committed exactly this. */
  async commits(group: string, topic: string, offsets: readonly number[], timeout = 30_000): Promise<void> {
    let found: readonly number[] = [];
    await until(
      async () => {
        found = await this.committed(group, topic);
        return found.join() === offsets.join();
      },
      timeout,
      () => `${group} committed ${found.join()} of ${topic}, not ${offsets.join()}`,
    );
  }

  async members(group: string): Promise<number> {
    const { groups } = await this.admin.describeGroups([group]);
    return groups[0]?.members.length ?? 0;
  }
}
