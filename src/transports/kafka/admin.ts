import { TidegateError } from '../../core/errors.ts';
import type { LogAdmin, PartitionOffsets, TopicDescription, TopicSpec } from '../../core/log.ts';
import { quote } from '../../core/quote.ts';
import { commitEntry, fetchCommitted, isOf } from './committed/committed.ts';
import type { Cluster } from './connection/cluster.ts';
import { AS_ANSWERED } from './connection/connection.ts';
import { whenReady } from './connection/when-ready.ts';
import { bothEnds } from './fetch/offsets.ts';
import { readMaxMessageBytes } from './produce/topic-limits.ts';
import { brokerError, KAFKA, logError } from './wire/protocol-errors.ts';

/** Bytes of a text in a request (Kafka's STRING has a length of two bytes). */
const MAX_TEXT = 32_767;

/** How long a broker may take to apply a change, in milliseconds. */
const CHANGE_TIMEOUT = 8_000;
/** A change is known to the controller first and to the other brokers soon after. */
const SETTLE_TIMEOUT = 3_000;
const SETTLE_PAUSE = 20;

/** Topics, offsets and groups by requests of their own; each call makes one attempt. */
export class KafkaAdmin implements LogAdmin {
  private readonly cluster: Cluster;
  private readonly whyAway: () => string | undefined;

  /** `whyAway`: why no broker answers, while none does; calls need not find that out by waiting. */
  constructor(cluster: Cluster, whyAway: () => string | undefined) {
    this.cluster = cluster;
    this.whyAway = whyAway;
  }

  async topics(): Promise<ReadonlyMap<string, number>> {
    const all = await this.ask('list topics', () => this.cluster.allTopics());
    return new Map(all.filter(({ internal }) => !internal).map(({ name, partitions }) => [name, partitions]));
  }

  async describe(topic: string): Promise<TopicDescription | undefined> {
    return this.ask(`describe ${topic}`, async () => {
      const partitions = await this.partitionsOf(topic);
      if (partitions === undefined) return undefined;
      return {
        name: topic,
        partitions: partitions.length,
        maxMessageBytes: await readMaxMessageBytes(this.cluster, topic),
      };
    });
  }

  async create(topic: TopicSpec): Promise<boolean> {
    refuseLongSettings(topic);
    return this.ask(`create ${topic.name}`, async () => {
      const controller = await this.cluster.controller();
      const answer = await controller.request<{ topicErrors: readonly { errorCode: number; errorMessage?: string }[] }>(
        'CreateTopics',
        {
          topics: [
            {
              topic: topic.name,
              numPartitions: topic.partitions ?? -1,
              replicationFactor: topic.replication ?? -1,
              configEntries: Object.entries(topic.config ?? {}).map(([name, value]) => ({ name, value })),
            },
          ],
          timeout: CHANGE_TIMEOUT,
        },
        AS_ANSWERED,
      );
      const { errorCode, errorMessage } = answer.topicErrors[0] ?? { errorCode: KAFKA.NONE };
      if (errorCode === KAFKA.TOPIC_ALREADY_EXISTS) return false;
      if (errorCode !== KAFKA.NONE) throw brokerError(errorCode, errorMessage);
      await this.settle(async () => {
        const partitions = await this.partitionsOf(topic.name);
        return partitions?.every((leader) => leader >= 0) ?? false;
      });
      return true;
    });
  }

  async delete(topic: string): Promise<void> {
    await this.ask(`delete ${topic}`, async () => {
      const controller = await this.cluster.controller();
      await controller.request('DeleteTopics', { topics: [topic], timeout: CHANGE_TIMEOUT });
      await this.settle(async () => (await this.partitionsOf(topic)) === undefined);
    });
  }

  async addPartitions(topic: string, total: number): Promise<void> {
    await this.ask(`add partitions to ${topic}`, async () => {
      const controller = await this.cluster.controller();
      const topicPartitions = [{ topic, count: total }];
      await controller.request('CreatePartitions', { topicPartitions, timeout: CHANGE_TIMEOUT });
      await this.settle(async () => {
        const partitions = await this.partitionsOf(topic);
        return partitions?.length === total && partitions.every((leader) => leader >= 0);
      });
    });
  }

  async offsets(topic: string): Promise<PartitionOffsets[]> {
    return this.ask(`offsets of ${topic}`, () =>
      whenReady(async () => {
        const partitions = await this.partitionsOf(topic);
        if (partitions === undefined) throw new TidegateError('TG_TOPIC_MISSING', `there is no topic ${topic}`);
        return bothEnds(this.cluster, topic, [...partitions.keys()]);
      }),
    );
  }

  async committed(group: string, topic: string): Promise<ReadonlyMap<number, number>> {
    return this.ask(`committed offsets of ${group}`, async () => {
      const partitions = (await this.partitionsOf(topic)) ?? [];
      const id = this.cluster.topic(topic)?.id;
      const offsets = new Map<number, number>();
      for (const [partition, one] of await fetchCommitted(this.cluster, group, topic, [...partitions.keys()]))
        if (isOf(id, one)) offsets.set(partition, one.offset);
      return offsets;
    });
  }

  async setCommitted(group: string, topic: string, offsets: ReadonlyMap<number, number>): Promise<void> {
    await this.ask(`set offsets of ${group}`, () =>
      whenReady(async () => {
        await this.cluster.refresh([topic]);
        const id = this.cluster.topic(topic)?.id;
        const partitions = [...offsets].map(([partition, offset]) => commitEntry(partition, { offset }, id));
        const coordinator = await this.cluster.coordinator(group);
        // Without a member id: the broker takes that only where the group has no members.
        await coordinator.request('OffsetCommit', {
          groupId: group,
          groupGenerationId: -1,
          memberId: '',
          retentionTime: -1,
          topics: [{ topic, partitions }],
        });
      }),
    );
  }

  async deleteGroup(group: string): Promise<void> {
    await this.ask(`delete the group ${group}`, () =>
      whenReady(async () => {
        const coordinator = await this.cluster.coordinator(group);
        const answer = await coordinator.request<{ results: readonly { errorCode: number }[] }>(
          'DeleteGroups',
          [group],
          AS_ANSWERED,
        );
        const code = answer.results[0]?.errorCode ?? KAFKA.NONE;
        if (code !== KAFKA.NONE && code !== KAFKA.GROUP_ID_NOT_FOUND) throw brokerError(code);
      }),
    );
  }

  async clusterId(): Promise<string> {
    return this.ask('id of the cluster', () => this.cluster.clusterId());
  }

  /** Leaders by partition number; undefined when there is no such topic. */
  private async partitionsOf(topic: string): Promise<number[] | undefined> {
    await this.cluster.refresh([topic]);
    const view = this.cluster.topic(topic);
    if (view === undefined || view.code === KAFKA.UNKNOWN_TOPIC_OR_PARTITION || view.code === KAFKA.INVALID_TOPIC) {
      return undefined;
    }
    if (view.code !== KAFKA.NONE) throw brokerError(view.code);
    return view.partitions.map(({ leader }) => leader);
  }

  /** Waits until brokers show the change; gives up quietly, as it was made anyway. */
  private async settle(isDone: () => Promise<boolean>): Promise<void> {
    for (const until = performance.now() + SETTLE_TIMEOUT; performance.now() < until && !(await isDone()); ) {
      await new Promise((resolve) => setTimeout(resolve, SETTLE_PAUSE));
    }
  }

  private async ask<T>(what: string, ask: () => Promise<T>): Promise<T> {
    const away = this.whyAway();
    if (away !== undefined) throw new TidegateError('TG_LOG_UNAVAILABLE', `${what}: ${away}`);
    try {
      return await ask();
    } catch (error) {
      throw logError(error, what);
    }
  }
}

/** Throws TG_TOPIC_INVALID for what no request can hold: it would fail with the error of a buffer that names nothing. */
function refuseLongSettings({ name, config = {} }: TopicSpec): void {
  const long = Object.entries(config).find((words) => words.some((word) => Buffer.byteLength(word) > MAX_TEXT));
  if (long === undefined) return;
  const what = `the setting "${quote(long[0])}" or its value is longer than ${MAX_TEXT} bytes`;
  throw new TidegateError('TG_TOPIC_INVALID', `the topic "${quote(name)}": ${what}`);
}
