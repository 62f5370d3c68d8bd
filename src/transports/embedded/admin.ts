import { TidegateError } from '../../core/errors.ts';
import type { LogAdmin, PartitionOffsets, TopicDescription, TopicSpec } from '../../core/log.ts';
import { quote } from '../../core/quote.ts';
import type { GroupCommit } from '../group-commit.ts';
import type { Coordinators } from './group/coordinators.ts';
import type { Store } from './records/store.ts';
import { numberSetting, type PartitionState, type TopicState } from './records/topic-state.ts';

/** As many as Kafka's own default, and one directory entry less to think about. */
const DEFAULT_PARTITIONS = 1;
const MAX_PARTITIONS = 10_000;
/** Kafka's rule (org.apache.kafka.common.internals.Topic). */
const NAME = /^[a-zA-Z0-9._-]{1,249}$/;
const POLICIES = ['delete', 'compact'];
const NUMBERS = [
  'retention.ms',
  'retention.bytes',
  'max.message.bytes',
  'delete.retention.ms',
  'min.cleanable.dirty.ratio',
];

/** Topics and offsets of the embedded log. */
export class EmbeddedAdmin implements LogAdmin {
  private readonly store: () => Store;
  private readonly maxRecord: number;
  private readonly coordinators: Coordinators;

  /** `store` throws TG_LOG_UNAVAILABLE while the log is not open. */
  constructor(store: () => Store, maxRecord: number, coordinators: Coordinators) {
    this.store = store;
    this.maxRecord = maxRecord;
    this.coordinators = coordinators;
  }

  async topics(): Promise<ReadonlyMap<string, number>> {
    return new Map([...this.store().topics].map(([name, { partitions }]) => [name, partitions.length]));
  }

  async describe(name: string): Promise<TopicDescription | undefined> {
    const topic = this.store().topics.get(name);
    if (topic === undefined) return undefined;
    const maxMessageBytes = numberSetting(topic, 'max.message.bytes', this.maxRecord);
    return { name, partitions: topic.partitions.length, maxMessageBytes };
  }

  async create({ name, partitions = DEFAULT_PARTITIONS, config = {} }: TopicSpec): Promise<boolean> {
    const broken = brokenRule(name, partitions, config);
    if (broken !== undefined) throw new TidegateError('TG_TOPIC_INVALID', `the topic "${quote(name)}": ${broken}`);
    return (await this.store().createTopic(name, partitions, config)) !== undefined;
  }

  async delete(name: string): Promise<void> {
    await this.store().deleteTopic(this.existing(name));
  }

  async addPartitions(name: string, total: number): Promise<void> {
    const topic = this.existing(name);
    if (!isPartitionCount(total) || total <= topic.partitions.length) {
      throw new TidegateError(
        'TG_TOPIC_INVALID',
        `the topic ${name} has ${topic.partitions.length} partitions; there can only be more, not ${total}`,
      );
    }
    await this.store().addPartitions(topic, total);
  }

  async offsets(name: string): Promise<PartitionOffsets[]> {
    return this.existing(name).partitions.map(({ index, start, end }) => ({
      partition: index,
      earliest: start,
      latest: end,
    }));
  }

  async committed(group: string, name: string): Promise<ReadonlyMap<number, number>> {
    const offsets = new Map<number, number>();
    for (const partition of this.store().topics.get(name)?.partitions ?? []) {
      const commit = this.store().offsets.of(group, partition);
      if (commit !== undefined) offsets.set(partition.index, commit.offset);
    }
    return offsets;
  }

  async setCommitted(group: string, name: string, offsets: ReadonlyMap<number, number>): Promise<void> {
    const { partitions } = this.existing(name);
    const wanted = new Map<PartitionState, GroupCommit>();
    for (const [index, offset] of offsets) {
      const partition = partitions[index];
      if (partition === undefined)
        throw new TidegateError('TG_TOPIC_MISSING', `the topic ${name} has no partition ${index}`);
      wanted.set(partition, { offset });
    }
    await this.coordinators.of(group).reset(wanted);
  }

  async deleteGroup(group: string): Promise<void> {
    await this.coordinators.of(group).forget();
  }

  async clusterId(): Promise<string> {
    return `embedded-${(await this.store().identity()).toString(36)}`;
  }

  private existing(name: string): TopicState {
    const topic = this.store().topics.get(name);
    if (topic === undefined) throw new TidegateError('TG_TOPIC_MISSING', `there is no topic ${name}`);
    return topic;
  }
}

function brokenRule(name: string, partitions: number, config: Readonly<Record<string, string>>): string | undefined {
  if (!NAME.test(name) || name === '.' || name === '..') {
    return 'a name is 1 to 249 letters, digits, ".", "_" and "-", and not "." or ".."';
  }
  if (!isPartitionCount(partitions)) return `${partitions} is not a number of partitions (1 to ${MAX_PARTITIONS})`;
  const policy = config['cleanup.policy'];
  if (policy?.split(',').some((one) => !POLICIES.includes(one.trim()))) {
    return `cleanup.policy is "delete", "compact" or "compact,delete", not "${quote(policy)}"`;
  }
  const notANumber = NUMBERS.find((key) => config[key] !== undefined && !(Number(config[key]) >= -1));
  return notANumber === undefined ? undefined : `${notANumber} is a number, not "${quote(config[notANumber] ?? '')}"`;
}

function isPartitionCount(count: number): boolean {
  return Number.isInteger(count) && count >= 1 && count <= MAX_PARTITIONS;
}
