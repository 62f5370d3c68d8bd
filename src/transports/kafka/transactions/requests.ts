import type { CommitEntry } from '../wire/commit-note.ts';
import { FlexibleCursor } from '../wire/flexible.ts';
import { FlexibleWriter } from '../wire/flexible-writer.ts';
import type { PartitionBytes, PartitionResult } from '../wire/produce-request.ts';
import type { ProducerIdentity } from '../wire/record-batch.ts';

/*
 * The requests of a transaction in flexible versions, https://kafka.apache.org/protocol. Encoders begin behind the tagged
 * fields of the header, as all of this folder do.
 */

/** The oldest that any broker with TxnOffsetCommit 3 has, and the newest without two-phase commit. */
export const INIT_PRODUCER_VERSIONS = { oldest: 2, newest: 4 } as const;
/** Names member and generation (KIP-447). Version 5 takes the group into the transaction by itself (KIP-890). */
export const TXN_OFFSET_COMMIT_VERSIONS = { withGeneration: 3, newer: 5 } as const;
/** Takes partitions into the transaction by itself. */
export const PRODUCE_VERSION = 12;
/** Answers with the epoch of the next transaction. */
export const END_TXN_VERSION = 5;

/** `timeout`: milliseconds after which brokers abort the transaction. */
export function encodeInitProducer(version: number, id: string, timeout: number): Buffer {
  const writer = new FlexibleWriter().text(id).int32(timeout);
  // producer_id and producer_epoch: none yet
  if (version >= 3) writer.int64(-1).int16(-1);
  return writer.end().take();
}

/** A producer that a coordinator gave, or why it did not. */
export interface ProducerAnswer {
  readonly code: number;
  readonly producer: ProducerIdentity;
}

/** Of InitProducerId, and of EndTxn, whose answer is the same. */
export function decodeProducer(answer: Buffer): ProducerAnswer {
  const cursor = new FlexibleCursor(answer);
  cursor.skipTags();
  // throttle_time_ms
  cursor.at += 4;
  const code = cursor.int16();
  cursor.at += 8;
  const id = cursor.buffer.readBigInt64BE(cursor.at - 8);
  return { code, producer: { id, epoch: cursor.int16(), isTransactional: true } };
}

export function encodeEnd(id: string, producer: ProducerIdentity, commits: boolean): Buffer {
  return new FlexibleWriter()
    .text(id)
    .int64(producer.id)
    .int16(producer.epoch)
    .int8(commits ? 1 : 0)
    .end()
    .take();
}

/** Who commits: brokers refuse all but the current generation of the group. */
export interface Membership {
  readonly group: string;
  readonly memberId: string;
  readonly generation: number;
}

export function encodeOffsets(
  id: string,
  producer: ProducerIdentity,
  { group, memberId, generation }: Membership,
  topics: ReadonlyMap<string, readonly CommitEntry[]>,
): Buffer {
  const writer = new FlexibleWriter()
    .text(id)
    .text(group)
    .int64(producer.id)
    .int16(producer.epoch)
    .int32(generation)
    .text(memberId);
  // group_instance_id: none
  writer.text(null).length(topics.size);
  for (const [topic, entries] of topics) {
    writer.text(topic).length(entries.length);
    for (const { partition, offset, metadata } of entries) {
      writer.int32(partition).int64(BigInt(offset));
      // committed_leader_epoch: not known
      writer.int32(-1).text(metadata).end();
    }
    writer.end();
  }
  return writer.end().take();
}

/** The first error of any partition; 0 where there is none. */
export function decodeOffsets(answer: Buffer): number {
  const cursor = new FlexibleCursor(answer);
  cursor.skipTags();
  // throttle_time_ms
  cursor.at += 4;
  let found = 0;
  for (let topics = cursor.length(); topics > 0; topics -= 1) {
    cursor.text();
    for (let partitions = cursor.length(); partitions > 0; partitions -= 1) {
      // partition_index
      cursor.at += 4;
      const code = cursor.int16();
      if (found === 0) found = code;
      cursor.skipTags();
    }
    cursor.skipTags();
  }
  return found;
}

/** `timeout`: how long the broker may wait for its replicas, in milliseconds. */
export function encodeProduce(
  id: string,
  topic: string,
  partitions: readonly PartitionBytes[],
  timeout: number,
): Buffer {
  // acks: all in-sync replicas
  const writer = new FlexibleWriter().text(id).int16(-1).int32(timeout).length(1).text(topic).length(partitions.length);
  for (const { partition, bytes } of partitions) writer.int32(partition).bytes(bytes).end();
  return writer.end().end().take();
}

export function decodeProduce(answer: Buffer): PartitionResult[] {
  const cursor = new FlexibleCursor(answer);
  cursor.skipTags();
  const results: PartitionResult[] = [];
  for (let topics = cursor.length(); topics > 0; topics -= 1) {
    cursor.text();
    for (let partitions = cursor.length(); partitions > 0; partitions -= 1) {
      const partition = cursor.int32();
      const code = cursor.int16();
      const baseOffset = cursor.int64();
      // log_append_time_ms and log_start_offset
      cursor.at += 16;
      for (let errors = cursor.length(); errors > 0; errors -= 1) {
        cursor.at += 4;
        cursor.text();
        cursor.skipTags();
      }
      // error_message
      cursor.text();
      cursor.skipTags();
      results.push({ partition, code, baseOffset });
    }
    cursor.skipTags();
  }
  return results;
}
