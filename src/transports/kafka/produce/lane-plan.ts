import type { Message } from '../../../core/message.ts';
import { partitionOfKey } from '../../../core/partitioner.ts';
import type { Propagation } from '../../../core/propagation.ts';
import type { Compressor } from '../compression/compression.ts';
import { BATCH_OVERHEAD, encodeBatch, type Outgoing, outgoing } from '../wire/record-batch.ts';

/** Above this a send blocks the event loop and a broker's handler for longer than batching gains. */
const MAX_RECORDS = 1_000;
const MAX_BYTES = 1_048_576;

const NO_PRODUCER = { id: -1n, epoch: -1 };

/** A record with its place in the send and the partition it is bound to for good. */
export interface Planned {
  readonly index: number;
  readonly partition: number;
  readonly record: Outgoing;
}

/**
 * Fixes partition and time of each message before the first try: by key as Kafka's own clients do, else
 * `keylessPartition` for all of them.
 */
export function plan(
  messages: readonly Message[],
  partitions: number,
  keylessPartition: number,
  now: number,
  propagation?: Propagation,
): Planned[] {
  const planned: Planned[] = new Array(messages.length);
  for (let index = 0; index < messages.length; index += 1) {
    const message = messages[index] as Message;
    const key = typeof message.key === 'string' ? Buffer.from(message.key) : message.key;
    const partition = key === null ? keylessPartition : partitionOfKey(key, partitions);
    planned[index] = { index, partition, record: outgoing(message, key, now, propagation) };
  }
  return planned;
}

/** Binds records whose partition is gone to those that the topic has now, in their order. */
export function planAgain(planned: readonly Planned[], partitions: number, keylessPartition: number): Planned[] {
  return planned.map(({ index, record }) => {
    const partition = record.key === null ? keylessPartition : partitionOfKey(record.key, partitions);
    return { index, partition, record };
  });
}

/** Whether a broker with this limit would refuse the record even alone: it looks at what is sent, compressed or not. */
export function isTooLarge({ record }: Planned, maxMessageBytes: number, compressor?: Compressor): boolean {
  if (record.size + BATCH_OVERHEAD <= maxMessageBytes) return false;
  return encodeBatch([record], NO_PRODUCER, -1, compressor).length > maxMessageBytes;
}

/**
 * The records of the next request from `from` on, in order: at most 1,000 and 1 MiB, and no partition's batch above
 * `maxMessageBytes`, since brokers check that per batch. Sizes are those before compression. A larger record goes alone. Returns the place behind them.
 */
export function endOfRequest(planned: readonly Planned[], from: number, maxMessageBytes: number): number {
  const byPartition = new Map<number, number>();
  let bytes = 0;
  let end = from;
  for (; end < planned.length && end - from < MAX_RECORDS; end += 1) {
    const { partition, record } = planned[end] as Planned;
    const before = byPartition.get(partition) ?? BATCH_OVERHEAD;
    const tooMuch = bytes + record.size > MAX_BYTES || before + record.size > maxMessageBytes;
    if (tooMuch && end > from) break;
    bytes += record.size;
    byPartition.set(partition, before + record.size);
  }
  return end;
}
