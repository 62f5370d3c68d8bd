import type { Cluster } from '../../src/transports/kafka/connection/cluster.ts';
import { KAFKA } from '../../src/transports/kafka/wire/protocol-errors.ts';
import { HandClock } from '../unit/core/hand-clock.ts';
import { ScriptedCluster } from './scripted-cluster.ts';
import { ScriptedGroup } from './scripted-group.ts';
import { ScriptedPartition, type ScriptedTopic } from './scripted-partition.ts';
import {
  type Fetched,
  type FetchRequest,
  type ProduceRequest,
  readFetch,
  readMetadata,
  readProduce,
  writeFetched,
  writeMetadata,
  writeProduced,
} from './scripted-wire.ts';

/**
 * What happens to one request, in place of the usual answer:
 * - `ok`: nothing of that kind
 * - `lost`: it is done, and the connection breaks before the answer
 * - `cut`: the connection breaks before it is done
 * - `silent`: it is not done, and no answer comes until the request times out
 * - `garbled`: half of the answer's bytes
 * - `nothing`: an answer without a partition in it
 * - a number: this error of Kafka for the request, or for every partition or topic in it
 * - an object: these errors by partition; the others are done as usual
 * - a function: it is called, and what it returns is done then; as usual where that is nothing
 */
export type Step = Fate | (() => Fate) | (() => void);

export type Fate = 'ok' | 'lost' | 'cut' | 'silent' | 'garbled' | 'nothing' | number | Readonly<Record<number, number>>;

export interface Asked {
  readonly api: string;
  readonly node: number;
  // biome-ignore lint/suspicious/noExplicitAny: each API has a payload of its own, and the tests look into them.
  readonly payload: any;
}

/**
 * Brokers in this process that keep topics and a group as Kafka does, at the level of requests: what src/transports/kafka
 * encodes comes as bytes and is answered in bytes, what kafkajs encodes as objects. Waits and timeouts follow `clock`.
 */
export class ScriptedBroker {
  readonly clock = new HandClock();
  /** Everything that was asked, oldest first. */
  readonly asked: Asked[] = [];
  /** Ids of the brokers that can be reached. */
  readonly nodes = new Set([1]);
  readonly topics = new Map<string, ScriptedTopic>();
  readonly group = new ScriptedGroup();
  coordinator = 1;
  /** Highest versions that are spoken. */
  versions: Readonly<Record<string, number>> = { Fetch: 13, Metadata: 10, Produce: 7 };
  /** Milliseconds that the next answers to fetches ask for. */
  throttle = 0;
  private readonly scripts = new Map<string, Step[]>();
  private readonly waiting = new Set<() => void>();
  private producers = 0;
  private ids = 0;

  /** These steps, one a request of this kind; after them the usual answers. */
  script(api: string, ...steps: Step[]): void {
    this.scripts.set(api, [...(this.scripts.get(api) ?? []), ...steps]);
  }

  /** A new topic, or another one of the same name. */
  create(name: string, partitions = 1, maxMessageBytes = 1_048_588): ScriptedTopic {
    this.ids += 1;
    const topic: ScriptedTopic = {
      id: Buffer.alloc(16, this.ids).toString('base64url'),
      maxMessageBytes,
      partitions: Array.from({ length: partitions }, () => new ScriptedPartition()),
    };
    this.topics.set(name, topic);
    return topic;
  }

  /** Another program appends records; fetches that wait for some are answered. */
  write(topic: string, partition: number, ...values: string[]): void {
    this.partition(topic, partition).write(...values);
    for (const wake of [...this.waiting]) wake();
  }

  partition(topic: string, partition: number): ScriptedPartition {
    const found = this.topics.get(topic)?.partitions[partition];
    if (found === undefined) throw new Error(`the test has no ${topic}/${partition}`);
    return found;
  }

  /** Payloads of all requests of a kind. */
  // biome-ignore lint/suspicious/noExplicitAny: as in Asked.
  of(api: string): any[] {
    return this.asked.filter((one) => one.api === api).map(({ payload }) => payload);
  }

  cluster(requestTimeout = 5_000): Cluster {
    return new ScriptedCluster(this, requestTimeout);
  }

  next(api: string): Step {
    return this.scripts.get(api)?.shift() ?? 'ok';
  }

  /** Answers a request whose bytes kafkajs makes. */
  // biome-ignore lint/suspicious/noExplicitAny: as in Asked.
  answer(api: string, payload: any): unknown {
    switch (api) {
      case 'InitProducerId':
        return { producerId: String(++this.producers), producerEpoch: 0 };
      case 'DescribeConfigs': {
        const configValue = String(this.topics.get(payload.resources[0].name)?.maxMessageBytes);
        return { resources: [{ configEntries: [{ configName: 'max.message.bytes', configValue }] }] };
      }
      case 'ListOffsets':
        return { responses: payload.topics.map((one: ListOffsets) => this.listOffsets(one)) };
      case 'GroupCoordinator':
        return undefined;
      case 'JoinGroup':
        return this.group.join(payload);
      case 'SyncGroup':
        return this.group.sync(payload);
      case 'Heartbeat':
        return this.group.heartbeat(payload);
      case 'OffsetCommit':
        return this.group.commit(payload);
      case 'OffsetFetch':
        return this.group.offsets(payload);
      case 'LeaveGroup':
        return this.group.leave(payload);
    }
    throw new Error(`the scripted broker has no answer to ${api}`);
  }

  read(api: string, version: number, body: Buffer): unknown {
    if (api === 'Produce') return readProduce(body);
    if (api === 'Fetch') return readFetch(version, body);
    if (api === 'Metadata') return readMetadata(body);
    throw new Error(`the scripted broker does not read the bytes of ${api}`);
  }

  /** Answers a request that came as bytes. */
  async answerBytes(api: string, version: number, request: unknown, node: number, step: Fate): Promise<Buffer> {
    if (api === 'Produce') return this.produce(request as ProduceRequest, node, step);
    if (api === 'Fetch') return await this.fetch(request as FetchRequest, version, node, step);
    return this.metadata((request as string[] | undefined) ?? [...this.topics.keys()], step);
  }

  private produce({ topic, partitions }: ProduceRequest, node: number, step: Fate): Buffer {
    const found = this.topics.get(topic);
    const results = partitions.map(({ partition, bytes }) => {
      const log = found?.partitions[partition];
      const code = codeOf(step, partition) ?? blame(log, node);
      if (code !== 0 || log === undefined) return { partition, code, baseOffset: -1 };
      return { partition, ...log.append(bytes, found?.maxMessageBytes ?? 0) };
    });
    return writeProduced(topic, step === 'nothing' ? [] : results);
  }

  private async fetch(request: FetchRequest, version: number, node: number, step: Fate): Promise<Buffer> {
    const look = () => request.positions.map((position) => this.fetchOne(position, node, step));
    let found = look();
    const isIdle = () => found.every(({ code, records }) => code === 0 && records.length === 0);
    if (isIdle() && step !== 'nothing') {
      await this.news(request.maxWait);
      found = look();
    }
    return writeFetched(version, this.throttle, step === 'nothing' ? [] : found);
  }

  private fetchOne({ topic, partition, offset }: FetchRequest['positions'][number], node: number, step: Fate): Fetched {
    const byId = [...this.topics.values()].find(({ id }) => id === topic);
    const log = (byId ?? this.topics.get(topic))?.partitions[partition];
    const end = log?.end ?? -1;
    const isOut = log !== undefined && (offset < log.start || offset > log.end);
    const code = codeOf(step, partition) ?? (isOut ? KAFKA.OFFSET_OUT_OF_RANGE : blame(log, node));
    const records = code === 0 && log !== undefined ? log.read(offset) : Buffer.alloc(0);
    return { topic, partition, code, end, records };
  }

  private metadata(names: readonly string[], step: Fate): Buffer {
    const topics = names.map((name) => {
      const topic = this.topics.get(name);
      const code = codeOf(step, 0) ?? (topic === undefined ? KAFKA.UNKNOWN_TOPIC_OR_PARTITION : 0);
      const leaders = code === 0 ? (topic?.partitions ?? []).map(({ leader }) => leader) : [];
      return { name, id: topic?.id ?? '', code, leaders };
    });
    return writeMetadata({ nodes: [...this.nodes], topics });
  }

  private listOffsets({ topic, partitions }: ListOffsets) {
    return {
      topic,
      partitions: partitions.map(({ partition, timestamp }) => {
        const { start, end } = this.partition(topic, partition);
        if (timestamp === -2) return { partition, offset: String(start) };
        // As if each record had its offset for a timestamp.
        const found = timestamp < end ? Math.max(start, timestamp) : -1;
        return { partition, offset: String(timestamp === -1 ? end : found) };
      }),
    };
  }

  private news(maxWait: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.waiting.delete(done);
        resolve();
      };
      this.waiting.add(done);
      this.clock.after(maxWait, done);
    });
  }
}

interface ListOffsets {
  readonly topic: string;
  readonly partitions: readonly { readonly partition: number; readonly timestamp: number }[];
}

function codeOf(step: Fate, partition: number): number | undefined {
  if (typeof step === 'number') return step;
  return typeof step === 'object' ? step[partition] : undefined;
}

/** Why this broker does not answer for a partition. */
function blame(log: ScriptedPartition | undefined, node: number): number {
  if (log === undefined) return KAFKA.UNKNOWN_TOPIC_OR_PARTITION;
  return log.leader === node ? KAFKA.NONE : KAFKA.NOT_LEADER_OR_FOLLOWER;
}
