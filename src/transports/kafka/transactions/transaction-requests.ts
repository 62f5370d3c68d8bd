import { partitionKey } from '../../../core/partition-key.ts';
import type { Cluster } from '../connection/cluster.ts';
import type { BrokerConnection } from '../connection/connection.ts';
import type { LaneTopic } from '../produce/lane-topic.ts';
import type { PartitionQueue } from '../produce/partition-queue.ts';
import type { Producer } from '../produce/producer.ts';
import type { CommitEntry } from '../wire/commit-note.ts';
import {
  decodeProduce as decodeOlderProduce,
  encodeProduce as encodeOlderProduce,
  PRODUCE_VERSION as OLDER_PRODUCE_VERSION,
  type PartitionResult,
  REPLICA_TIMEOUT,
} from '../wire/produce-request.ts';
import { brokerError, KAFKA, kafkaCode } from '../wire/protocol-errors.ts';
import type { ProducerIdentity } from '../wire/record-batch.ts';
import {
  decodeOffsets,
  decodeProduce,
  decodeProducer,
  END_TXN_VERSION,
  encodeEnd,
  encodeOffsets,
  encodeProduce,
  type Membership,
  PRODUCE_VERSION,
  TXN_OFFSET_COMMIT_VERSIONS,
} from './requests.ts';

/** The requests of the transactions of one transactional id. Each rejects with a broker's error, or without an answer. */
export interface TransactionRequests {
  /** Whether a request without an answer may be sent again: it cannot come late into another transaction. */
  readonly repeatsInDoubt: boolean;
  /** Sends the first batch of each queue to the leader of all of them. */
  produce(topic: LaneTopic, queues: readonly PartitionQueue[], producer: Producer): Promise<readonly PartitionResult[]>;
  commitOffsets(
    producer: Producer,
    membership: Membership,
    topics: ReadonlyMap<string, readonly CommitEntry[]>,
  ): Promise<void>;
  /** Commits. Resolves with the producer of the next transaction. */
  end(producer: Producer): Promise<ProducerIdentity>;
  /** Looks its coordinators up again. */
  lose(): void;
}

/** Keeps the coordinators of a transactional id and of a group, until one of them has moved. */
class Coordinators {
  private readonly cluster: Cluster;
  private readonly id: string;
  private known: { readonly transactions?: BrokerConnection; readonly group?: BrokerConnection } = {};

  constructor(cluster: Cluster, id: string) {
    this.cluster = cluster;
    this.id = id;
  }

  async ofTransactions(): Promise<BrokerConnection> {
    const { transactions } = this.known;
    if (transactions?.isUsable === true) return transactions;
    const found = await this.cluster.transactionCoordinator(this.id);
    this.known = { ...this.known, transactions: found };
    return found;
  }

  async ofGroup(group: string): Promise<BrokerConnection> {
    if (this.known.group?.isUsable === true) return this.known.group;
    const found = await this.cluster.coordinator(group);
    this.known = { ...this.known, group: found };
    return found;
  }

  lose(): void {
    this.known = {};
  }
}

/** The protocol of KIP-890: brokers take partitions and groups into the transaction by themselves, and each transaction has an epoch of its own. */
export class NewerRequests implements TransactionRequests {
  readonly repeatsInDoubt = true;
  private readonly id: string;
  private readonly coordinators: Coordinators;

  constructor(cluster: Cluster, id: string) {
    this.id = id;
    this.coordinators = new Coordinators(cluster, id);
  }

  async produce(topic: LaneTopic, queues: readonly PartitionQueue[]): Promise<readonly PartitionResult[]> {
    const leader = await topic.leader(firstOf(queues).partition);
    const body = encodeProduce(this.id, topic.name, queues, REPLICA_TIMEOUT);
    return leader.exchange('Produce', PRODUCE_VERSION, body, decodeProduce);
  }

  async commitOffsets(
    producer: Producer,
    membership: Membership,
    topics: ReadonlyMap<string, readonly CommitEntry[]>,
  ): Promise<void> {
    const coordinator = await this.coordinators.ofGroup(membership.group);
    const body = encodeOffsets(this.id, producer, membership, topics);
    check(await coordinator.exchange('TxnOffsetCommit', TXN_OFFSET_COMMIT_VERSIONS.newer, body, decodeOffsets));
  }

  async end(producer: Producer): Promise<ProducerIdentity> {
    const coordinator = await this.coordinators.ofTransactions();
    const body = encodeEnd(this.id, producer, true);
    const answer = await coordinator.exchange('EndTxn', END_TXN_VERSION, body, decodeProducer);
    check(answer.code);
    return answer.producer;
  }

  lose(): void {
    this.coordinators.lose();
  }
}

/** The protocol of Kafka 2.5 to 3.9, and of later clusters that have not finalized `transaction.version` 2. */
export class OlderRequests implements TransactionRequests {
  readonly repeatsInDoubt = false;
  private readonly id: string;
  private readonly coordinators: Coordinators;
  /** Partitions that the coordinator has in the transaction that is open. */
  private readonly added = new Set<string>();

  constructor(cluster: Cluster, id: string) {
    this.id = id;
    this.coordinators = new Coordinators(cluster, id);
  }

  async produce(
    topic: LaneTopic,
    queues: readonly PartitionQueue[],
    producer: Producer,
  ): Promise<readonly PartitionResult[]> {
    const { name } = topic;
    const fresh = queues
      .map(({ partition }) => partition)
      .filter((partition) => !this.added.has(partitionKey({ topic: name, partition })));
    if (fresh.length > 0) {
      const code = await this.ask('AddPartitionsToTxn', producer, { topics: [{ topic: name, partitions: fresh }] });
      // The markers of the transaction before are still being written.
      if (code !== KAFKA.NONE) return queues.map(({ partition }) => ({ partition, code, baseOffset: -1 }));
      for (const partition of fresh) this.added.add(partitionKey({ topic: name, partition }));
    }
    const leader = await topic.leader(firstOf(queues).partition);
    const body = encodeOlderProduce(name, queues, REPLICA_TIMEOUT, this.id);
    return leader.exchange('Produce', OLDER_PRODUCE_VERSION, body, decodeOlderProduce);
  }

  async commitOffsets(
    producer: Producer,
    membership: Membership,
    topics: ReadonlyMap<string, readonly CommitEntry[]>,
  ): Promise<void> {
    check(await this.ask('AddOffsetsToTxn', producer, { groupId: membership.group }));
    const coordinator = await this.coordinators.ofGroup(membership.group);
    const body = encodeOffsets(this.id, producer, membership, topics);
    const version = TXN_OFFSET_COMMIT_VERSIONS.withGeneration;
    check(await coordinator.exchange('TxnOffsetCommit', version, body, decodeOffsets));
  }

  async end(producer: Producer): Promise<ProducerIdentity> {
    check(await this.ask('EndTxn', producer, { transactionResult: true }));
    this.added.clear();
    return producer;
  }

  lose(): void {
    this.coordinators.lose();
  }

  /** Resolves with the broker's code, also where it is an error. */
  private async ask(api: string, producer: Producer, more: object): Promise<number> {
    const coordinator = await this.coordinators.ofTransactions();
    const payload = {
      transactionalId: this.id,
      producerId: String(producer.id),
      producerEpoch: producer.epoch,
      ...more,
    };
    try {
      await coordinator.request(api, payload);
      return KAFKA.NONE;
    } catch (error) {
      const code = kafkaCode(error);
      if (code === undefined) throw error;
      return code;
    }
  }
}

function firstOf(queues: readonly PartitionQueue[]): PartitionQueue {
  return queues[0] as PartitionQueue; // an empty group is never made
}

function check(code: number): void {
  if (code !== KAFKA.NONE) throw brokerError(code);
}
