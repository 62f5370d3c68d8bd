import { TidegateError } from '../../core/errors.ts';
import type { Client } from './client.ts';
import { AS_ANSWERED, BrokerConnection } from './connection.ts';
import { KAFKA } from './protocol-errors.ts';

export interface PartitionView {
  readonly partition: number;
  /** Node id; -1 while there is none. */
  readonly leader: number;
}

export interface TopicView {
  /** Kafka's error code for the topic; 0 when it is there. */
  readonly code: number;
  readonly internal: boolean;
  /** By partition number. */
  readonly partitions: readonly PartitionView[];
}

interface MetadataAnswer {
  readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[];
  readonly controllerId: number;
  readonly clusterId: string | null;
  readonly topicMetadata: readonly {
    readonly topicErrorCode: number;
    readonly topic: string;
    readonly isInternal: boolean;
    readonly partitionMetadata: readonly { readonly partitionId: number; readonly leader: number }[];
  }[];
}

/** A name that no topic can have: asking for it tells about the brokers alone. An empty list would mean every topic. */
const NO_TOPIC = ['.'];

/**
 * Connections to the brokers, and what the brokers say about topics and leaders. It never tries again by itself: a call
 * rejects at the first failure, the connection is dropped, and the next call makes a new one. Users of one Cluster share
 * its sockets, and Kafka answers the requests of a socket one after the other: what may wait long has a Cluster of its own.
 */
export class Cluster {
  private readonly client: Client;
  private readonly requestTimeout: number;
  private readonly connections = new Map<string, BrokerConnection>();
  private readonly addresses = new Map<number, { host: string; port: number }>();
  private readonly topics = new Map<string, TopicView>();
  private controllerId = -1;
  private id = '';
  private nextSeed = 0;
  private closed = false;
  private refreshing: Promise<void> | undefined;
  private refreshedAt = 0;

  /** `requestTimeout` in milliseconds. */
  constructor(client: Client, requestTimeout: number) {
    this.client = client;
    this.requestTimeout = requestTimeout;
  }

  /** Milliseconds since metadata was read; Infinity when it never was. */
  get age(): number {
    return this.refreshedAt === 0 ? Number.POSITIVE_INFINITY : Date.now() - this.refreshedAt;
  }

  /** What the last `refresh` said; undefined for a topic it was not asked about. */
  topic(name: string): TopicView | undefined {
    return this.topics.get(name);
  }

  /** Asks about a topic no longer. */
  forget(topic: string): void {
    this.topics.delete(topic);
  }

  /** Reads metadata anew for these topics and those asked about before. Callers at the same time share one request. */
  async refresh(topics: readonly string[] = []): Promise<void> {
    for (const name of topics) {
      if (this.topics.has(name)) continue;
      this.topics.set(name, { code: KAFKA.LEADER_NOT_AVAILABLE, internal: false, partitions: [] });
      // The request under way does not ask for this one.
      await this.refreshing?.catch(() => undefined);
    }
    this.refreshing ??= this.readMetadata().finally(() => {
      this.refreshing = undefined;
    });
    await this.refreshing;
  }

  /** Names of all topics and whether they are Kafka's own. */
  async allTopics(): Promise<{ name: string; internal: boolean; partitions: number }[]> {
    const { topicMetadata } = await this.askForMetadata([]);
    const there = new Set(topicMetadata.map(({ topic }) => topic));
    // Whoever waits for a topic asks about it again.
    for (const [topic, { code }] of this.topics)
      if (code === KAFKA.UNKNOWN_TOPIC_OR_PARTITION && !there.has(topic)) this.topics.delete(topic);
    return topicMetadata.map(({ topic, isInternal, partitionMetadata }) => ({
      name: topic,
      internal: isInternal,
      partitions: partitionMetadata.length,
    }));
  }

  /** Rejects when the partition has no leader that is known; refresh then. */
  async leader(topic: string, partition: number): Promise<BrokerConnection> {
    return this.node(this.topics.get(topic)?.partitions[partition]?.leader ?? -1);
  }

  node(nodeId: number): BrokerConnection {
    const address = this.addresses.get(nodeId);
    if (address === undefined) throw new TidegateError('TG_LOG_UNAVAILABLE', `Broker ${nodeId} is not known`);
    return this.connection(address);
  }

  /** The broker that takes changes of topics. */
  async clusterId(): Promise<string> {
    if (this.id === '') await this.refresh();
    return this.id;
  }

  async controller(): Promise<BrokerConnection> {
    if (!this.addresses.has(this.controllerId)) await this.refresh();
    return this.addresses.has(this.controllerId) ? this.node(this.controllerId) : this.any();
  }

  async coordinator(group: string): Promise<BrokerConnection> {
    const { coordinator } = await this.any().request<{ coordinator: { host: string; port: number } }>(
      'GroupCoordinator',
      { groupId: group, coordinatorType: 0 },
    );
    return this.connection(coordinator);
  }

  /** A broker that is connected, else the next one to try: known brokers and bootstrap addresses in turn. */
  any(): BrokerConnection {
    for (const connection of this.connections.values()) return connection;
    const candidates = [...this.addresses.values(), ...this.client.brokers];
    const address = candidates[this.nextSeed++ % candidates.length];
    if (address === undefined) throw new TidegateError('TG_LOG_UNAVAILABLE', 'No brokers are configured');
    return this.connection(address);
  }

  /** Destroys every connection; pending requests reject at once. */
  close(): void {
    this.closed = true;
    for (const connection of [...this.connections.values()]) connection.destroy();
  }

  private connection(address: { host: string; port: number }): BrokerConnection {
    if (this.closed) throw new TidegateError('TG_LOG_UNAVAILABLE', 'The log is closed');
    const name = `${address.host}:${address.port}`;
    const known = this.connections.get(name);
    if (known !== undefined) return known;
    const connection = new BrokerConnection(this.client, address, this.requestTimeout, (gone) => {
      if (this.connections.get(name) === gone) this.connections.delete(name);
    });
    this.connections.set(name, connection);
    return connection;
  }

  private async readMetadata(): Promise<void> {
    const asked = [...this.topics.keys()];
    const answer = await this.askForMetadata(asked.length === 0 ? NO_TOPIC : asked);
    for (const { topicErrorCode, topic, isInternal, partitionMetadata } of answer.topicMetadata) {
      if (!this.topics.has(topic)) continue;
      const partitions: PartitionView[] = [];
      for (const { partitionId, leader } of partitionMetadata) {
        partitions[partitionId] = { partition: partitionId, leader };
      }
      this.topics.set(topic, { code: topicErrorCode, internal: isInternal, partitions });
    }
    this.refreshedAt = Date.now();
  }

  private async askForMetadata(topics: readonly string[]): Promise<MetadataAnswer> {
    const payload = { topics, allowAutoTopicCreation: false };
    const answer = await this.any().request<MetadataAnswer>('Metadata', payload, AS_ANSWERED);
    this.addresses.clear();
    for (const { nodeId, host, port } of answer.brokers) this.addresses.set(nodeId, { host, port });
    this.controllerId = answer.controllerId;
    this.id = answer.clusterId ?? '';
    return answer;
  }
}
