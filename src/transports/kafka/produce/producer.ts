import type { Cluster } from '../connection/cluster.ts';
import { whenReady } from '../connection/when-ready.ts';
import type { ProducerIdentity } from '../wire/record-batch.ts';

/** Kafka's sequence numbers run from 0 to this and go on at 0. */
const LAST_SEQUENCE = 0x7fffffff;

/**
 * An identity at the brokers with the number of the next record of each partition. A broker takes a batch once per
 * number: that, and nothing else, makes repeating a batch harmless. The numbers move on only when a batch was stored;
 * a batch keeps the identity and the number of its first try for good.
 */
export class Producer implements ProducerIdentity {
  readonly id: bigint;
  readonly epoch: number;
  readonly isTransactional: boolean;
  private readonly next = new Map<string, Map<number, number>>();

  constructor(identity: ProducerIdentity) {
    this.id = identity.id;
    this.epoch = identity.epoch;
    this.isTransactional = identity.isTransactional === true;
  }

  sequence(topic: string, partition: number): number {
    return this.next.get(topic)?.get(partition) ?? 0;
  }

  stored(topic: string, partition: number, records: number): void {
    let partitions = this.next.get(topic);
    if (partitions === undefined) {
      partitions = new Map();
      this.next.set(topic, partitions);
    }
    partitions.set(partition, sequenceAfter(this.sequence(topic, partition), records));
  }
}

/** The number behind `records` records, with the wrap that brokers expect: to the remainder, not to 0 as kafkajs has it. */
export function sequenceAfter(sequence: number, records: number): number {
  const next = sequence + records;
  return next > LAST_SEQUENCE ? next - LAST_SEQUENCE - 1 : next;
}

/** The one producer that all lanes of a gateway share, and its successor once a broker has forgotten it. */
export class ProducerHolder {
  private readonly cluster: Cluster;
  private current: Promise<Producer> | undefined;

  constructor(cluster: Cluster) {
    this.cluster = cluster;
  }

  /** Rejects while no broker can be asked; ask again then. */
  get(): Promise<Producer> {
    if (this.current === undefined) {
      const attempt = this.initialize();
      this.current = attempt;
      attempt.catch(() => {
        if (this.current === attempt) this.current = undefined;
      });
    }
    return this.current;
  }

  /** Makes the next `get` start a fresh producer, unless that has happened since. */
  async replace(fenced: Producer): Promise<void> {
    const { current } = this;
    if (current !== undefined && (await current.catch(() => undefined)) === fenced && this.current === current) {
      this.current = undefined;
    }
  }

  /** Makes the next `get` start a fresh producer; what has a number already keeps that of the one before. */
  renew(): void {
    this.current = undefined;
  }

  private async initialize(): Promise<Producer> {
    const answer = await whenReady(() =>
      this.cluster.any().request<{ producerId: string; producerEpoch: number }>('InitProducerId', {
        transactionalId: null,
        transactionTimeout: 60_000,
      }),
    );
    return new Producer({ id: BigInt(answer.producerId), epoch: answer.producerEpoch });
  }
}
