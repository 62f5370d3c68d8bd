import { Cursor } from './varint.ts';

/** Version of the Fetch API that names topics: brokers from Kafka 2.3 on. */
export const FETCH_VERSION = 11;

/** Reads only what no open transaction can take back. */
export const READ_COMMITTED = 1;

export interface FetchPosition {
  readonly topic: string;
  /** undefined where the brokers give topics no ids. */
  readonly id: string | undefined;
  readonly partition: number;
  readonly offset: number;
}

export interface FetchLimits {
  /** How long the broker may wait for the first byte, in milliseconds. */
  readonly maxWait: number;
  readonly maxBytes: number;
  readonly maxBytesPerPartition: number;
}

export interface FetchedPartition {
  readonly topic: string;
  readonly partition: number;
  /** Kafka's error code. */
  readonly code: number;
  /** Offset that the next record will get. */
  readonly end: number;
  readonly aborted: readonly AbortedTransaction[];
  /** Record batches; the last one may be cut off. */
  readonly records: Buffer;
}

export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

/** https://kafka.apache.org/protocol#The_Messages_Fetch, without a fetch session. */
export function encodeFetch(positions: readonly FetchPosition[], limits: FetchLimits): Buffer {
  const topics = byTopic(positions);
  let size = 4 * 4 + 1 + 4 + 4 + 4 + 4 + 2;
  for (const topic of topics.keys()) size += 2 + Buffer.byteLength(topic) + 4;
  size += positions.length * 28;
  const buffer = Buffer.allocUnsafe(size);
  // replica_id of a consumer
  let at = buffer.writeInt32BE(-1, 0);
  at = buffer.writeInt32BE(limits.maxWait, at);
  // min_bytes
  at = buffer.writeInt32BE(1, at);
  at = buffer.writeInt32BE(limits.maxBytes, at);
  at = buffer.writeInt8(READ_COMMITTED, at);
  // session_id and session_epoch: none
  at = buffer.writeInt32BE(0, at);
  at = buffer.writeInt32BE(-1, at);
  at = buffer.writeInt32BE(topics.size, at);
  for (const [topic, partitions] of topics) {
    at = buffer.writeInt16BE(Buffer.byteLength(topic), at);
    at += buffer.write(topic, at);
    at = buffer.writeInt32BE(partitions.length, at);
    for (const { partition, offset } of partitions) {
      at = buffer.writeInt32BE(partition, at);
      // current_leader_epoch: not known
      at = buffer.writeInt32BE(-1, at);
      at = buffer.writeBigInt64BE(BigInt(offset), at);
      // log_start_offset: of replicas only
      at = buffer.writeBigInt64BE(-1n, at);
      at = buffer.writeInt32BE(limits.maxBytesPerPartition, at);
    }
  }
  // forgotten_topics: none
  at = buffer.writeInt32BE(0, at);
  // rack: none
  buffer.writeInt16BE(0, at);
  return buffer;
}

export function byTopic(positions: readonly FetchPosition[]): Map<string, FetchPosition[]> {
  const topics = new Map<string, FetchPosition[]>();
  for (const position of positions) {
    const list = topics.get(position.topic);
    if (list === undefined) topics.set(position.topic, [position]);
    else list.push(position);
  }
  return topics;
}

export interface FetchAnswer {
  /** How long the broker asks to be left alone, in milliseconds. */
  readonly throttle: number;
  readonly partitions: readonly FetchedPartition[];
}

export function decodeFetch(answer: Buffer): FetchAnswer {
  const cursor = new Cursor(answer);
  const throttle = cursor.int32();
  // error_code and session_id
  cursor.at += 6;
  const fetched: FetchedPartition[] = [];
  for (let topics = cursor.int32(); topics > 0; topics -= 1) {
    const topic = cursor.string();
    for (let partitions = cursor.int32(); partitions > 0; partitions -= 1) fetched.push(decodePartition(cursor, topic));
  }
  return { throttle, partitions: fetched };
}

function decodePartition(cursor: Cursor, topic: string): FetchedPartition {
  const partition = cursor.int32();
  const code = cursor.int16();
  const end = cursor.int64();
  // last_stable_offset and log_start_offset
  cursor.at += 16;
  const aborted: AbortedTransaction[] = [];
  for (let count = cursor.int32(); count > 0; count -= 1) {
    aborted.push({ producerId: cursor.int64(), firstOffset: cursor.int64() });
  }
  // preferred_read_replica
  cursor.at += 4;
  const size = Math.max(cursor.int32(), 0);
  cursor.at += size;
  return { topic, partition, code, end, aborted, records: cursor.buffer.subarray(cursor.at - size, cursor.at) };
}
