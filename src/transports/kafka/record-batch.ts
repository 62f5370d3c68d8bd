import type { Message } from '../../core/message.ts';
import type { Compressor } from './compression.ts';
import { crc32c } from './crc32c.ts';
import { sizeOfVarint, writeVarint } from './varint.ts';

/** Bytes of a record batch without its records. */
export const BATCH_OVERHEAD = 61;

const MAGIC = 2;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const EMPTY = Buffer.alloc(0);

/** Who numbers the records of a partition, so that the broker recognises a batch that it has already. */
export interface ProducerIdentity {
  readonly id: bigint;
  readonly epoch: number;
}

/** A message in the form that is written: keys and trace as bytes, each made once however often it is sent. */
export interface Outgoing {
  readonly message: Message;
  readonly key: Buffer | null;
  /** Milliseconds since the epoch; fixed before the first try. */
  readonly timestamp: number;
  /** Upper bound of the record's bytes. */
  readonly size: number;
}

export function outgoing(message: Message, key: Buffer | null, now: number): Outgoing {
  let size = 24 + message.payload.length + (key === null ? 0 : key.length);
  const { headers, trace } = message;
  if (headers !== undefined) {
    for (const name in headers) {
      const value = headers[name] as string | Buffer;
      // 3 bytes per UTF-16 unit is the most that UTF-8 takes.
      size += 10 + name.length * 3 + (typeof value === 'string' ? value.length * 3 : value.length);
    }
  }
  if (trace !== undefined) size += 40 + trace.traceparent.length + (trace.tracestate?.length ?? 0) * 3;
  return { message, key, timestamp: Math.trunc(message.timestamp) || now, size };
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
  buffer.writeInt16BE(codec, ATTRIBUTES_AT);
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
  const { message, key } = record;
  const value = message.meta.tombstone === true && message.payload.length === 0 ? null : message.payload;
  const delta = record.timestamp - baseTimestamp;
  const headers = headerBytes(message);
  let length = 1 + sizeOfVarint(delta) + sizeOfVarint(index) + sizeOfBytes(key) + sizeOfBytes(value);
  length += sizeOfVarint(headers.length / 2);
  for (const part of headers) length += sizeOfBytes(part);

  let place = writeVarint(buffer, length, at);
  buffer[place++] = 0;
  place = writeVarint(buffer, delta, place);
  place = writeVarint(buffer, index, place);
  place = writeBytes(buffer, key, place);
  place = writeBytes(buffer, value, place);
  place = writeVarint(buffer, headers.length / 2, place);
  for (const part of headers) place = writeBytes(buffer, part, place);
  return place;
}

const NO_HEADERS: readonly Buffer[] = [];

/** Name, value, name, value ... */
function headerBytes(message: Message): readonly Buffer[] {
  const { headers, trace } = message;
  if (headers === undefined && trace === undefined) return NO_HEADERS;
  const parts: Buffer[] = [];
  if (headers !== undefined) {
    for (const name in headers) {
      if (trace !== undefined && (name === 'traceparent' || name === 'tracestate')) continue;
      const value = headers[name] ?? EMPTY;
      parts.push(Buffer.from(name), typeof value === 'string' ? Buffer.from(value) : value);
    }
  }
  if (trace !== undefined) {
    parts.push(Buffer.from('traceparent'), Buffer.from(trace.traceparent));
    if (trace.tracestate !== undefined) parts.push(Buffer.from('tracestate'), Buffer.from(trace.tracestate));
  }
  return parts;
}

function sizeOfBytes(bytes: Buffer | null): number {
  return bytes === null ? 1 : sizeOfVarint(bytes.length) + bytes.length;
}

function writeBytes(buffer: Buffer, bytes: Buffer | null, at: number): number {
  if (bytes === null) return writeVarint(buffer, -1, at);
  const place = writeVarint(buffer, bytes.length, at);
  buffer.set(bytes, place);
  return place + bytes.length;
}
