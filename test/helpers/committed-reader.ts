import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import { type Cleanup, until } from './gateway-process.ts';

/** What a plain kafkajs consumer with `read_committed` sees of a topic from its first record on: not by code under test. */
export class CommittedReader {
  readonly values: string[] = [];

  static async start(t: Cleanup, brokers: string, topic: string): Promise<CommittedReader> {
    const reader = new CommittedReader();
    const kafka = new Kafka({ brokers: brokers.split(','), clientId: 'test-reader', logLevel: logLevel.NOTHING });
    const consumer = kafka.consumer({
      groupId: `test-${randomUUID()}`,
      maxWaitTimeInMs: 100,
      readUncommitted: false,
      retry: { retries: 100 },
    });
    await consumer.connect();
    t.after(() => consumer.disconnect());
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ message }) => {
        reader.values.push(message.value?.toString() ?? '');
      },
    });
    return reader;
  }

  /** Waits for so many records, and a while for more. */
  async settled(count: number, timeout: number, state: () => string = () => ''): Promise<readonly string[]> {
    await until(
      () => this.values.length >= count,
      timeout,
      () => `${this.values.length} of ${count} records can be read\n${state()}`,
    );
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    return this.values;
  }
}
