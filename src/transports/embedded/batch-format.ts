import type { Header, Headers, HeaderValue } from '../../core/headers.ts';
import type { Message } from '../../core/message.ts';
import { withTrace } from '../../core/trace-headers.ts';

/*
 * One stored value is a batch of records of one partition. Its key holds the offset of its first record; numbers are
 * little endian.
 *
 *   u8   version (2; 1 is the same without null as the value of a header)
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
export const VERSION = 2;
/** The oldest version that is read. */
export const FIRST_VERSION = 1;
export const BATCH_HEADER = 17;
export const RECORD_HEADER = 24;
export const HEADER_LENGTHS = 8;

/** A batch ends at so many records or bytes, so that a reader can take whole batches in bounded steps. */
const MOST_RECORDS = 1_000;
const MOST_BYTES = 262_144;

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
}

/** `now` is the time of a message that has none. */
export function outgoing(message: Message, now: number): Outgoing {
  const { key, payload, timestamp } = message;
  const headers = withTrace(message.headers, message.trace);
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
      if (end > from && (end - from >= MOST_RECORDS || bytes + next.bytes > MOST_BYTES)) break;
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
  writeFacts(value, { records: end - from, span: end - from, maxTimestamp });
  return value;
}

export function writeFacts(value: Buffer, facts: BatchFacts): void {
  value.writeUInt8(VERSION, 0);
  value.writeUInt32LE(facts.records, 1);
  value.writeUInt32LE(facts.span, 5);
  value.writeDoubleLE(facts.maxTimestamp, 9);
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
