import { crc32c } from '../../../core/crc32c.ts';
import type { Header, Headers, HeaderValue } from '../../../core/headers.ts';
import type { Message } from '../../../core/message.ts';
import { type Propagation, W3C } from '../../../core/propagation.ts';

/*
 * One stored value is a batch of records of one partition. Its key holds the offset of its first record; numbers are
 * little endian.
 *
 *   u8   version: 3. Version 2 has no checksum; version 1 has neither that nor null as the value of a header
 *   u32  CRC-32C of everything behind it
 *   u32  records
 *   u32  span: how many offsets the batch covers, which compaction leaves as it is
 *   f64  largest timestamp, milliseconds since the epoch
 *   then each record:
 *     u32  offset behind the first
 *     f64  timestamp
 *     i32  length of the key, -1 for none
 *     i32  length of the payload, -1 for a tombstone
 *     u32  headers
 *     key, payload, then each header: u32 length of the name, i32 length of the value, -1 for null, name, value
 */
export const VERSION = 3;
/** The oldest version that is read. */
export const INITIAL_VERSION = 1;
/** The first version with a checksum. */
export const CHECKSUM_VERSION = 3;
export const CHECKSUM_AT = 1;
/** What the checksum covers begins here. */
export const CHECKED_FROM = 5;
export const BATCH_HEADER = 21;
export const RECORD_HEADER = 24;
export const HEADER_LENGTHS = 8;

/** A batch ends at so many records or bytes, so that a reader can take whole batches in bounded steps. */
const MAX_RECORDS = 1_000;
const MAX_BYTES = 262_144;

/** A message in the form that is stored. */
export interface Outgoing {
  readonly message: Message;
  /** The message's, with its trace. */
  readonly headers: Headers;
  /** Bytes of the record. */
  readonly bytes: number;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
}

export interface EncodedBatch {
  readonly value: Buffer;
  readonly records: number;
}

export interface BatchFacts {
  readonly records: number;
  readonly span: number;
  readonly maxTimestamp: number;
  /** Where the first record begins. */
  readonly recordsAt: number;
}

/** `now` is the time of a message that has none. */
export function outgoing(message: Message, now: number, propagation: Propagation = W3C): Outgoing {
  const { key, payload, timestamp } = message;
  const headers = propagation.withTrace(message.headers, message.trace);
  let bytes = RECORD_HEADER + payload.length;
  if (key !== null) bytes += lengthOf(key);
  for (let index = 0; index < headers.length; index += 1) {
    const header = headers[index] as Header;
    bytes += HEADER_LENGTHS + Buffer.byteLength(header[0]) + lengthOf(header[1]);
  }
  return { message, headers, bytes, timestamp: timestamp || now };
}

/** The records of one partition as batches, in order. */
export function encodeBatches(records: readonly Outgoing[]): EncodedBatch[] {
  const batches: EncodedBatch[] = [];
  for (let from = 0; from < records.length; ) {
    let bytes = BATCH_HEADER;
    let end = from;
    for (let next = records[end]; next !== undefined; next = records[end]) {
      if (end > from && (end - from >= MAX_RECORDS || bytes + next.bytes > MAX_BYTES)) break;
      bytes += next.bytes;
      end += 1;
    }
    batches.push({ value: encodeBatch(records, from, end, bytes), records: end - from });
    from = end;
  }
  return batches;
}

function encodeBatch(records: readonly Outgoing[], from: number, end: number, bytes: number): Buffer {
  const value = Buffer.allocUnsafe(bytes);
  let maxTimestamp = 0;
  let at = BATCH_HEADER;
  for (let index = from; index < end; index += 1) {
    const record = records[index] as Outgoing;
    if (record.timestamp > maxTimestamp) maxTimestamp = record.timestamp;
    at = writeRecord(value, at, index - from, record);
  }
  seal(value, { records: end - from, span: end - from, maxTimestamp });
  return value;
}

/** Writes the header of a batch whose records are in place. */
export function seal(value: Buffer, { records, span, maxTimestamp }: Omit<BatchFacts, 'recordsAt'>): void {
  value.writeUInt8(VERSION, 0);
  value.writeUInt32LE(records, CHECKED_FROM);
  value.writeUInt32LE(span, CHECKED_FROM + 4);
  value.writeDoubleLE(maxTimestamp, CHECKED_FROM + 8);
  value.writeUInt32LE(crc32c(value, CHECKED_FROM, value.length), CHECKSUM_AT);
}

function writeRecord(value: Buffer, start: number, delta: number, { message, headers, timestamp }: Outgoing): number {
  const { key, payload } = message;
  const isTombstone = message.isTombstone;
  value.writeUInt32LE(delta, start);
  value.writeDoubleLE(timestamp, start + 4);
  value.writeInt32LE(isTombstone ? -1 : payload.length, start + 16);
  let at = start + RECORD_HEADER;
  if (key === null) value.writeInt32LE(-1, start + 12);
  else {
    const behind = writeValue(value, at, key);
    value.writeInt32LE(behind - at, start + 12);
    at = behind;
  }
  at = writeValue(value, at, payload);
  value.writeUInt32LE(headers.length, start + 20);
  for (let index = 0; index < headers.length; index += 1) at = writeHeader(value, at, headers[index] as Header);
  return at;
}

function writeHeader(value: Buffer, at: number, header: Header): number {
  const content = header[1];
  const nameEnd = writeValue(value, at + HEADER_LENGTHS, header[0]);
  const end = content === null ? nameEnd : writeValue(value, nameEnd, content);
  value.writeUInt32LE(nameEnd - at - HEADER_LENGTHS, at);
  value.writeInt32LE(content === null ? -1 : end - nameEnd, at + 4);
  return end;
}

function writeValue(value: Buffer, at: number, content: string | Buffer): number {
  if (typeof content === 'string') return at + value.write(content, at, 'utf8');
  value.set(content, at);
  return at + content.length;
}

function lengthOf(content: HeaderValue): number {
  if (content === null) return 0;
  return typeof content === 'string' ? Buffer.byteLength(content) : content.length;
}
