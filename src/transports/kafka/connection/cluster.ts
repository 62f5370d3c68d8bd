import { TidegateError } from '../../../core/errors.ts';
import { KAFKA } from '../wire/protocol-errors.ts';
import type { Client } from './client.ts';
import { BrokerConnection } from './connection.ts';
import { askForMetadata, type Metadata, type TopicMetadata } from './metadata-request.ts';

export type TopicView = Omit<TopicMetadata, 'name'>;

/** Types of coordinators, https://kafka.apache.org/protocol#The_Messages_FindCoordinator */
const OF_GROUP = 0;
const OF_TRANSACTIONS = 1;

/** Ids of topics that are gone which are remembered. */
const RETIRED_IDS = 1_000;

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
  /** Ids of topics in whose place another one was seen: a broker that still shows one of these has not heard of that yet. */
  private readonly retired = new Set<string>();
  private controllerId = -1;
  private id = '';
  private nextSeed = 0;
  private closed = false;
  private refreshing: Promise<void> | undefined;
  /** By `performance.now`, which setting the machine's clock does not change. */
  private refreshedAt = Number.NEGATIVE_INFINITY;

  /** `requestTimeout` in milliseconds. */
  constructor(client: Client, requestTimeout: number) {
    this.client = client;
    this.requestTimeout = requestTimeout;
  }

  /** Milliseconds since metadata was read; Infinity when it never was. */
  get age(): number {
    return performance.now() - this.refreshedAt;
  }

  /** What the last `refresh` found; undefined for a topic it was not asked about. */
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
      this.topics.set(name, { code: KAFKA.LEADER_NOT_AVAILABLE, id: undefined, internal: false, partitions: [] });
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
    const { topics } = await this.ask();
    const there = new Set(topics.map(({ name }) => name));
    // A caller that waits for a topic asks about it again.
    for (const [topic, { code }] of this.topics)
      if (code === KAFKA.UNKNOWN_TOPIC_OR_PARTITION && !there.has(topic)) this.topics.delete(topic);
    return topics.map(({ name, internal, partitions }) => ({ name, internal, partitions: partitions.length }));
  }

  /** Rejects when the partition has no leader that is known; refresh then. */
  async leader(topic: string, partition: number): Promise<BrokerConnection> {
    return this.node(this.topics.get(topic)?.partitions[partition]?.leader ?? -1);
  }

  node(nodeId: number): BrokerConnection {
    const address = this.addresses.get(nodeId);
    if (address === undefined) throw new TidegateError('TG_LOG_UNAVAILABLE', `broker ${nodeId} is not known`);
    return this.connection(address);
  }

  /** The id that the brokers give their cluster; empty where they give none. */
  async clusterId(): Promise<string> {
    if (this.id === '') await this.refresh();
    return this.id;
  }

  /** The broker that takes changes of topics; any broker while that one is not known. */
  async controller(): Promise<BrokerConnection> {
    if (!this.addresses.has(this.controllerId)) await this.refresh();
    return this.addresses.has(this.controllerId) ? this.node(this.controllerId) : this.any();
  }

  coordinator(group: string): Promise<BrokerConnection> {
    return this.coordinatorOf(group, OF_GROUP);
  }

  /** Of the transactions of a transactional id. */
  transactionCoordinator(id: string): Promise<BrokerConnection> {
    return this.coordinatorOf(id, OF_TRANSACTIONS);
  }

  /** A broker that is connected, else the next one to try: known brokers and bootstrap addresses in turn. */
  any(): BrokerConnection {
    for (const connection of this.connections.values()) return connection;
    const candidates = [...this.addresses.values(), ...this.client.brokers];
    const address = candidates[this.nextSeed++ % candidates.length];
    if (address === undefined) throw new TidegateError('TG_LOG_UNAVAILABLE', 'no brokers are configured');
    return this.connection(address);
  }

  /** A broker at an address that the last metadata had: one that is connected, else the next one to try. */
  advertised(): BrokerConnection {
    const addresses = [...this.addresses.values()];
    const connected = addresses.find(({ host, port }) => this.connections.has(`${host}:${port}`));
    const address = connected ?? addresses[this.nextSeed++ % addresses.length];
    if (address === undefined) throw new TidegateError('TG_LOG_UNAVAILABLE', 'the brokers advertise no address');
    return this.connection(address);
  }

  /** Destroys every connection; pending requests reject at once. */
  close(): void {
    this.closed = true;
    for (const connection of [...this.connections.values()]) connection.destroy();
  }

  private async coordinatorOf(key: string, coordinatorType: number): Promise<BrokerConnection> {
    const { coordinator } = await this.any().request<{ coordinator: { host: string; port: number } }>(
      'GroupCoordinator',
      { groupId: key, coordinatorType },
    );
    return this.connection(coordinator);
  }

  private connection(address: { host: string; port: number }): BrokerConnection {
    if (this.closed) throw new TidegateError('TG_LOG_UNAVAILABLE', 'the log is closed');
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
    const { topics } = await this.ask([...this.topics.keys()]);
    for (const { name, ...view } of topics) this.show(name, view);
    this.refreshedAt = performance.now();
  }

  private show(name: string, view: TopicView): void {
    const before = this.topics.get(name);
    if (before === undefined || (view.id !== undefined && this.retired.has(view.id))) return;
    if (before.id !== undefined && view.id !== undefined && view.id !== before.id) this.retire(before.id);
    // A topic that is gone keeps its id, so that the next one of its name is known for another.
    this.topics.set(name, { ...view, id: view.id ?? before.id });
  }

  private retire(id: string): void {
    this.retired.add(id);
    const [oldest] = this.retired;
    if (this.retired.size > RETIRED_IDS && oldest !== undefined) this.retired.delete(oldest);
  }

  private async ask(topics?: readonly string[]): Promise<Metadata> {
    const answer = await askForMetadata(this.any(), topics);
    this.addresses.clear();
    for (const { nodeId, host, port } of answer.brokers) this.addresses.set(nodeId, { host, port });
    this.controllerId = answer.controllerId;
    this.id = answer.clusterId;
    return answer;
  }
}
