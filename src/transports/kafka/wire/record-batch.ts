import { crc32c } from '../../../core/crc32c.ts';
import type { Header, Headers, HeaderValue } from '../../../core/headers.ts';
import type { Message } from '../../../core/message.ts';
import { type Propagation, W3C } from '../../../core/propagation.ts';
import type { Compressor } from '../compression/compression.ts';
import { sizeOfVarint, writeVarint } from './varint.ts';

/** Bytes of a record batch without its records. */
export const BATCH_OVERHEAD = 61;

const MAGIC = 2;
/** UTF-16 units of text whose length in UTF-8 takes one byte in any case, so that it need not be known first. */
const SHORT = 21;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const TRANSACTIONAL = 0x10;

/** The source of the record numbers of a partition, so that the broker recognises a batch that it has already. */
export interface ProducerIdentity {
  readonly id: bigint;
  readonly epoch: number;
  /** Its records can be read once their transaction is committed. */
  readonly isTransactional?: boolean;
}

/** A message in the form that is written: key as bytes and headers with the trace, each made once however often it is sent. */
export interface Outgoing {
  readonly message: Message;
  readonly key: Buffer | null;
  readonly headers: Headers;
  /** Milliseconds since the epoch; fixed before the first try. */
  readonly timestamp: number;
  /** Upper bound of the record's bytes. */
  readonly size: number;
}

export function outgoing(message: Message, key: Buffer | null, now: number, propagation: Propagation = W3C): Outgoing {
  let size = 24 + message.payload.length + (key === null ? 0 : key.length);
  const headers = propagation.withTrace(message.headers, message.trace);
  for (let index = 0; index < headers.length; index += 1) {
    const header = headers[index] as Header;
    const value = header[1];
    // 3 bytes per UTF-16 unit is the most that UTF-8 takes.
    size += 10 + header[0].length * 3;
    if (value !== null) size += typeof value === 'string' ? value.length * 3 : value.length;
  }
  return { message, key, headers, timestamp: Math.trunc(message.timestamp) || now, size };
}

/**
 * Kafka's record batch (magic 2). https://kafka.apache.org/documentation/#recordbatch
 * Written by hand because kafkajs needs ten times the processor time for it. Never larger than without a compressor: records
 * that do not get smaller stay as they are, which every reader takes.
 */
export function encodeBatch(
  records: readonly Outgoing[],
  producer: ProducerIdentity,
  baseSequence: number,
  compressor?: Compressor,
): Buffer {
  let bound = BATCH_OVERHEAD;
  let maxTimestamp = 0;
  for (const record of records) {
    bound += record.size;
    if (record.timestamp > maxTimestamp) maxTimestamp = record.timestamp;
  }
  const baseTimestamp = records[0]?.timestamp ?? 0;
  const buffer = Buffer.allocUnsafe(bound);
  let end = BATCH_OVERHEAD;
  for (let index = 0; index < records.length; index += 1) {
    end = writeRecord(buffer, records[index] as Outgoing, index, baseTimestamp, end);
  }
  let codec = 0;
  if (compressor !== undefined) {
    const packed = compressor.pack(buffer.subarray(BATCH_OVERHEAD, end));
    if (packed.length < end - BATCH_OVERHEAD) {
      codec = compressor.codec;
      buffer.set(packed, BATCH_OVERHEAD);
      end = BATCH_OVERHEAD + packed.length;
    }
  }
  buffer.writeBigInt64BE(0n, 0);
  buffer.writeInt32BE(end - 12, 8);
  buffer.writeInt32BE(-1, 12);
  buffer.writeInt8(MAGIC, 16);
  buffer.writeInt16BE(producer.isTransactional === true ? codec | TRANSACTIONAL : codec, ATTRIBUTES_AT);
  buffer.writeInt32BE(records.length - 1, 23);
  buffer.writeBigInt64BE(BigInt(baseTimestamp), 27);
  buffer.writeBigInt64BE(BigInt(maxTimestamp), 35);
  buffer.writeBigInt64BE(producer.id, 43);
  buffer.writeInt16BE(producer.epoch, 51);
  buffer.writeInt32BE(baseSequence, 53);
  buffer.writeInt32BE(records.length, 57);
  buffer.writeUInt32BE(crc32c(buffer, ATTRIBUTES_AT, end), CRC_AT);
  return buffer.subarray(0, end);
}

/** Whether the bytes of a batch are those that its producer wrote. */
export function isIntact(batch: Buffer): boolean {
  return crc32c(batch, ATTRIBUTES_AT, batch.length) === batch.readUInt32BE(CRC_AT);
}

function writeRecord(buffer: Buffer, record: Outgoing, index: number, baseTimestamp: number, at: number): number {
  const { message, key, headers } = record;
  const value = message.isTombstone ? null : message.payload;
  const delta = record.timestamp - baseTimestamp;
  let length = 1 + sizeOfVarint(delta) + sizeOfVarint(index) + sizeOfContent(key) + sizeOfContent(value);
  length += sizeOfVarint(headers.length);
  for (let place = 0; place < headers.length; place += 1) {
    const header = headers[place] as Header;
    length += sizeOfContent(header[0]) + sizeOfContent(header[1]);
  }

  let end = writeVarint(buffer, length, at);
  buffer[end++] = 0;
  end = writeVarint(buffer, delta, end);
  end = writeVarint(buffer, index, end);
  end = writeContent(buffer, key, end);
  end = writeContent(buffer, value, end);
  end = writeVarint(buffer, headers.length, end);
  for (let place = 0; place < headers.length; place += 1) {
    const header = headers[place] as Header;
    end = writeContent(buffer, header[0], end);
    end = writeContent(buffer, header[1], end);
  }
  return end;
}

function sizeOfContent(content: HeaderValue): number {
  if (content === null) return 1;
  const length = typeof content === 'string' ? Buffer.byteLength(content) : content.length;
  return sizeOfVarint(length) + length;
}

function writeContent(buffer: Buffer, content: HeaderValue, at: number): number {
  if (content === null) return writeVarint(buffer, -1, at);
  if (typeof content === 'string') {
    const isShort = content.length <= SHORT;
    const start = isShort ? at + 1 : writeVarint(buffer, Buffer.byteLength(content), at);
    const length = buffer.write(content, start);
    if (isShort) writeVarint(buffer, length, at);
    return start + length;
  }
  const start = writeVarint(buffer, content.length, at);
  buffer.set(content, start);
  return start + content.length;
}
