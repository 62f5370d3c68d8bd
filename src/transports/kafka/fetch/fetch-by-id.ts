import {
  type AbortedTransaction,
  byTopic,
  type FetchAnswer,
  type FetchedPartition,
  type FetchLimits,
  type FetchPosition,
  READ_COMMITTED,
} from '../wire/fetch-request.ts';
import { FlexibleCursor, ID_BYTES, LENGTH_BYTES, NO_TAGS, writeId, writeLength } from '../wire/flexible.ts';

/**
 * The first version of the Fetch API that asks for topics by their ids: brokers from Kafka 3.1 on. They refuse an id whose
 * topic is gone, so that nothing of another topic of the same name is taken for what comes behind a position.
 */
export const FETCH_BY_ID_VERSION = 13;

/** partition, current_leader_epoch, fetch_offset, last_fetched_epoch, log_start_offset, partition_max_bytes, tags */
const PARTITION_BYTES = 4 + 4 + 8 + 4 + 8 + 4 + 1;

/** As `encodeFetch`, behind the tagged fields of the header. Every position has an id. */
export function encodeFetchById(positions: readonly FetchPosition[], limits: FetchLimits): Buffer {
  const topics = byTopic(positions);
  let size = 1 + 4 * 4 + 1 + 4 + 4 + LENGTH_BYTES + 3;
  size += topics.size * (ID_BYTES + LENGTH_BYTES + 1) + positions.length * PARTITION_BYTES;
  const buffer = Buffer.allocUnsafe(size);
  let at = buffer.writeUInt8(NO_TAGS, 0);
  // replica_id of a consumer
  at = buffer.writeInt32BE(-1, at);
  at = buffer.writeInt32BE(limits.maxWait, at);
  // min_bytes
  at = buffer.writeInt32BE(1, at);
  at = buffer.writeInt32BE(limits.maxBytes, at);
  at = buffer.writeInt8(READ_COMMITTED, at);
  // session_id and session_epoch: none
  at = buffer.writeInt32BE(0, at);
  at = buffer.writeInt32BE(-1, at);
  at = writeLength(buffer, topics.size, at);
  for (const partitions of topics.values()) at = encodeTopic(buffer, partitions, limits, at);
  // forgotten_topics_data: none
  at = writeLength(buffer, 0, at);
  // rack_id: empty
  at = writeLength(buffer, 0, at);
  at = buffer.writeUInt8(NO_TAGS, at);
  return buffer.subarray(0, at);
}

function encodeTopic(buffer: Buffer, partitions: readonly FetchPosition[], limits: FetchLimits, from: number): number {
  let at = writeId(buffer, partitions[0]?.id ?? '', from);
  at = writeLength(buffer, partitions.length, at);
  for (const { partition, offset } of partitions) {
    at = buffer.writeInt32BE(partition, at);
    // current_leader_epoch: not known
    at = buffer.writeInt32BE(-1, at);
    at = buffer.writeBigInt64BE(BigInt(offset), at);
    // last_fetched_epoch and log_start_offset: of replicas only
    at = buffer.writeInt32BE(-1, at);
    at = buffer.writeBigInt64BE(-1n, at);
    at = buffer.writeInt32BE(limits.maxBytesPerPartition, at);
    at = buffer.writeUInt8(NO_TAGS, at);
  }
  return buffer.writeUInt8(NO_TAGS, at);
}

/** `names`: by id, of the topics that were asked for. */
export function decodeFetchById(answer: Buffer, names: ReadonlyMap<string, string>): FetchAnswer {
  const cursor = new FlexibleCursor(answer);
  cursor.skipTags();
  const throttle = cursor.int32();
  // error_code and session_id
  cursor.at += 6;
  const fetched: FetchedPartition[] = [];
  for (let topics = cursor.length(); topics > 0; topics -= 1) {
    const topic = names.get(cursor.id() ?? '') ?? '';
    for (let partitions = cursor.length(); partitions > 0; partitions -= 1)
      fetched.push(decodePartition(cursor, topic));
    cursor.skipTags();
  }
  return { throttle, partitions: fetched };
}

function decodePartition(cursor: FlexibleCursor, topic: string): FetchedPartition {
  const partition = cursor.int32();
  const code = cursor.int16();
  const end = cursor.int64();
  // last_stable_offset and log_start_offset
  cursor.at += 16;
  const aborted: AbortedTransaction[] = [];
  for (let count = cursor.length(); count > 0; count -= 1) {
    aborted.push({ producerId: cursor.int64(), firstOffset: cursor.int64() });
    cursor.skipTags();
  }
  // preferred_read_replica
  cursor.at += 4;
  const size = Math.max(cursor.length(), 0);
  cursor.at += size;
  const records = cursor.buffer.subarray(cursor.at - size, cursor.at);
  cursor.skipTags();
  return { topic, partition, code, end, aborted, records };
}
