import type { HeaderValue, Message, TraceContext } from '../../core/message.ts';

/*
 * One stored value is a batch of records of one partition. Its key holds the offset of its first record; numbers are
 * little endian.
 *
 *   u8   version (1)
 *   u32  records
 *   u32  span: how many offsets the batch covers, which compaction leaves as it is
 *   f64  largest timestamp, milliseconds since the epoch
 *   then each record:
 *     u32  offset behind the first
 *     f64  timestamp
 *     i32  length of the key, -1 for none
 *     i32  length of the payload, -1 for a tombstone
 *     u32  headers
 *     key, payload, then each header: u32 length of the name, u32 length of the value, name, value
 */
export const VERSION = 1;
export const BATCH_HEADER = 17;
export const RECORD_HEADER = 24;
export const HEADER_LENGTHS = 8;

/** A batch ends at so many records or bytes, so that a reader can take whole batches in bounded steps. */
const MOST_RECORDS = 1_000;
const MOST_BYTES = 262_144;

const EMPTY = Buffer.alloc(0);

/** A message on its way in, with what the lane has decided about it. */
export interface Outgoing {
  readonly message: Message;
  /** Bytes of the record as it is stored, by `recordBytes`. */
  readonly bytes: number;
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

/** Bytes that a message takes as a record. */
export function recordBytes(message: Message): number {
  const { key, payload, headers, trace } = message;
  let bytes = RECORD_HEADER + payload.length;
  if (key !== null) bytes += lengthOf(key);
  if (headers !== undefined) {
    for (const name in headers) {
      if (isOverruled(name, trace)) continue;
      bytes += HEADER_LENGTHS + Buffer.byteLength(name) + lengthOf(headers[name] ?? EMPTY);
    }
  }
  if (trace !== undefined) {
    bytes += HEADER_LENGTHS + 11 + Buffer.byteLength(trace.traceparent);
    if (trace.tracestate !== undefined) bytes += HEADER_LENGTHS + 10 + Buffer.byteLength(trace.tracestate);
  }
  return bytes;
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

function writeRecord(value: Buffer, start: number, delta: number, { message, timestamp }: Outgoing): number {
  const { key, payload, headers, trace } = message;
  const isTombstone = message.meta.tombstone === true && payload.length === 0;
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
  let count = 0;
  if (headers !== undefined) {
    for (const name in headers) {
      if (isOverruled(name, trace)) continue;
      at = writeHeader(value, at, name, headers[name] ?? EMPTY);
      count += 1;
    }
  }
  if (trace !== undefined) {
    at = writeHeader(value, at, 'traceparent', trace.traceparent);
    count += 1;
    if (trace.tracestate !== undefined) {
      at = writeHeader(value, at, 'tracestate', trace.tracestate);
      count += 1;
    }
  }
  value.writeUInt32LE(count, start + 20);
  return at;
}

function writeHeader(value: Buffer, at: number, name: string, content: HeaderValue): number {
  const nameEnd = writeValue(value, at + HEADER_LENGTHS, name);
  const end = writeValue(value, nameEnd, content);
  value.writeUInt32LE(nameEnd - at - HEADER_LENGTHS, at);
  value.writeUInt32LE(end - nameEnd, at + 4);
  return end;
}

function writeValue(value: Buffer, at: number, content: HeaderValue): number {
  if (typeof content === 'string') return at + value.write(content, at, 'utf8');
  value.set(content, at);
  return at + content.length;
}

function lengthOf(content: HeaderValue): number {
  return typeof content === 'string' ? Buffer.byteLength(content) : content.length;
}

/** The message's own trace context takes the place of headers of that name. */
function isOverruled(name: string, trace: TraceContext | undefined): boolean {
  return trace !== undefined && (name === 'traceparent' || name === 'tracestate');
}
