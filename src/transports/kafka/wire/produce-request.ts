import { Cursor } from './varint.ts';

/** How long a broker may wait for its replicas, in milliseconds; the answer has to come within the cluster's request timeout. */
export const REPLICA_TIMEOUT = 10_000;

/** Version of the Produce API that is spoken: brokers from Kafka 2.1 on. */
export const PRODUCE_VERSION = 7;

/** Waits for all in-sync replicas. */
const ACKS_ALL = -1;

export interface PartitionBytes {
  readonly partition: number;
  /** One encoded record batch. */
  readonly bytes: Buffer;
}

export interface PartitionResult {
  readonly partition: number;
  /** Kafka's error code. */
  readonly code: number;
  /** Offset of the first record; -1 where it is not known. */
  readonly baseOffset: number;
}

/**
 * A Produce request to one topic. https://kafka.apache.org/protocol#The_Messages_Produce
 * `timeout`: how long the broker may wait for its replicas, in milliseconds. `transactionalId`: of the transaction, where
 * the records are in one.
 */
export function encodeProduce(
  topic: string,
  partitions: readonly PartitionBytes[],
  timeout: number,
  transactionalId?: string,
): Buffer {
  const name = Buffer.from(topic);
  const id = Buffer.from(transactionalId ?? '');
  let size = 2 + id.length + 2 + 4 + 4 + 2 + name.length + 4;
  for (const { bytes } of partitions) size += 8 + bytes.length;
  const buffer = Buffer.allocUnsafe(size);
  let at = buffer.writeInt16BE(transactionalId === undefined ? -1 : id.length, 0);
  at += id.copy(buffer, at);
  at = buffer.writeInt16BE(ACKS_ALL, at);
  at = buffer.writeInt32BE(timeout, at);
  at = buffer.writeInt32BE(1, at);
  at = buffer.writeInt16BE(name.length, at);
  at += name.copy(buffer, at);
  at = buffer.writeInt32BE(partitions.length, at);
  for (const { partition, bytes } of partitions) {
    at = buffer.writeInt32BE(partition, at);
    at = buffer.writeInt32BE(bytes.length, at);
    buffer.set(bytes, at);
    at += bytes.length;
  }
  return buffer;
}

/** The results by partition. kafkajs would throw the first error in it and lose the results of the others. */
export function decodeProduce(answer: Buffer): PartitionResult[] {
  const cursor = new Cursor(answer);
  const results: PartitionResult[] = [];
  for (let topics = cursor.int32(); topics > 0; topics -= 1) {
    cursor.string();
    for (let partitions = cursor.int32(); partitions > 0; partitions -= 1) {
      const partition = cursor.int32();
      const code = cursor.int16();
      const baseOffset = cursor.int64();
      // log_append_time, log_start_offset
      cursor.at += 16;
      results.push({ partition, code, baseOffset });
    }
  }
  return results;
}
