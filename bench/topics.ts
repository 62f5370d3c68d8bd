import { type Admin, Kafka, logLevel } from 'kafkajs';

export const PARTITIONS = 3;

/** Topics of the bench: each run has a fresh one. */
export class Topics {
  private readonly admin: Admin;
  private count = 0;

  constructor(brokers: string) {
    const kafka = new Kafka({ clientId: 'bench', brokers: brokers.split(','), logLevel: logLevel.NOTHING });
    this.admin = kafka.admin();
  }

  open(): Promise<void> {
    return this.admin.connect();
  }

  close(): Promise<void> {
    return this.admin.disconnect();
  }

  async create(label: string, numPartitions = PARTITIONS): Promise<string> {
    this.count += 1;
    const topic = `bench-${label}-${process.pid}-${this.count}`;
    const topics = [{ topic, numPartitions, replicationFactor: 1 }];
    await this.admin.createTopics({ topics, waitForLeaders: false });
    // kafkajs's own wait gives up at once when the broker has not heard of the topic yet.
    for (let tries = 0; !(await this.isThere(topic)); tries++) {
      if (tries === 100) throw new Error(`the topic ${topic} was created and is not there`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return topic;
  }

  private async isThere(topic: string): Promise<boolean> {
    try {
      return (await this.stored(topic)) === 0;
    } catch {
      return false;
    }
  }

  async delete(topic: string): Promise<void> {
    await this.admin.deleteTopics({ topics: [topic] });
  }

  /** Records of a topic that a group has done with: the sum of its committed offsets. */
  async committed(group: string, topic: string): Promise<number> {
    const [found] = await this.admin.fetchOffsets({ groupId: group, topics: [topic] });
    return (found?.partitions ?? []).reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0);
  }

  /** Records that a fresh topic holds: the sum of its end offsets. */
  async stored(topic: string): Promise<number> {
    const offsets = await this.admin.fetchTopicOffsets(topic);
    return offsets.reduce((sum, { high }) => sum + Number(high), 0);
  }
}
