import { type HeaderValue, Message, type Meta, type SettleTarget, type TraceContext } from '../../core/message.ts';

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
const VERSION = 1;
export const BATCH_HEADER = 17;
const RECORD_HEADER = 24;
const HEADER_LENGTHS = 8;

/** A batch ends at so many records or bytes, so that a reader can take whole batches in bounded steps. */
const MOST_RECORDS = 1_000;
const MOST_BYTES = 262_144;

const EMPTY = Buffer.alloc(0);
const NO_META: Meta = Object.freeze({});
const TOMBSTONE: Meta = Object.freeze({ tombstone: true });

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

function writeFacts(value: Buffer, facts: BatchFacts): void {
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

export function batchFacts(value: Buffer): BatchFacts {
  const version = value.readUInt8(0);
  if (version !== VERSION) throw new Error(`a batch has version ${version} and this gateway reads version ${VERSION}`);
  return { records: value.readUInt32LE(1), span: value.readUInt32LE(5), maxTimestamp: value.readDoubleLE(9) };
}

/** Where the records of a batch come from and go to. */
export interface DecodeOptions {
  readonly topic: string;
  readonly partition: number;
  readonly baseOffset: number;
  /** Records in front of it are left out. */
  readonly from: number;
  readonly target?: SettleTarget | undefined;
}

/** Adds the batch's messages to `into`, at most until it holds `most`; returns the offset to go on with. */
export function decodeBatch(value: Buffer, options: DecodeOptions, into: Message[], most: number): number {
  const { baseOffset, from } = options;
  const { records, span } = batchFacts(value);
  let at = BATCH_HEADER;
  for (let index = 0; index < records; index += 1) {
    const offset = baseOffset + value.readUInt32LE(at);
    if (offset >= from) {
      if (into.length >= most) return offset;
      into.push(readRecord(value, at, offset, options));
    }
    at = endOfRecord(value, at);
  }
  return baseOffset + span;
}

function readRecord(value: Buffer, start: number, offset: number, options: DecodeOptions): Message {
  const keyLength = value.readInt32LE(start + 12);
  const payloadLength = value.readInt32LE(start + 16);
  const headerCount = value.readUInt32LE(start + 20);
  const keyAt = start + RECORD_HEADER;
  const payloadAt = keyAt + Math.max(keyLength, 0);
  const { headers, trace } = readHeaders(value, payloadAt + Math.max(payloadLength, 0), headerCount);
  return new Message(payloadLength <= 0 ? EMPTY : value.subarray(payloadAt, payloadAt + payloadLength), {
    key: keyLength < 0 ? null : value.subarray(keyAt, payloadAt),
    headers,
    trace,
    meta: payloadLength < 0 ? TOMBSTONE : NO_META,
    timestamp: value.readDoubleLE(start + 4),
    topic: options.topic,
    partition: options.partition,
    offset,
    target: options.target,
    token: offset,
  });
}

const NO_HEADERS: { headers: undefined; trace: undefined } = { headers: undefined, trace: undefined };

/** W3C trace context leaves the headers and becomes the message's own. */
function readHeaders(
  value: Buffer,
  start: number,
  count: number,
): { headers: Record<string, HeaderValue> | undefined; trace: TraceContext | undefined } {
  if (count === 0) return NO_HEADERS;
  let headers: Record<string, HeaderValue> | undefined;
  let traceparent: string | undefined;
  let tracestate: string | undefined;
  let at = start;
  for (let index = 0; index < count; index += 1) {
    const nameAt = at + HEADER_LENGTHS;
    const contentAt = nameAt + value.readUInt32LE(at);
    const end = contentAt + value.readUInt32LE(at + 4);
    const name = value.toString('utf8', nameAt, contentAt);
    if (name === 'traceparent') traceparent = value.toString('latin1', contentAt, end);
    else if (name === 'tracestate') tracestate = value.toString('utf8', contentAt, end);
    else if (name !== '__proto__') {
      headers ??= {};
      headers[name] = value.subarray(contentAt, end);
    }
    at = end;
  }
  if (traceparent === undefined) return { headers, trace: undefined };
  return { headers, trace: tracestate === undefined ? { traceparent } : { traceparent, tracestate } };
}

function endOfRecord(value: Buffer, start: number): number {
  let at =
    start + RECORD_HEADER + Math.max(value.readInt32LE(start + 12), 0) + Math.max(value.readInt32LE(start + 16), 0);
  for (let left = value.readUInt32LE(start + 20); left > 0; left -= 1) {
    at += HEADER_LENGTHS + value.readUInt32LE(at) + value.readUInt32LE(at + 4);
  }
  return at;
}

/** What compaction and searches look at, without making messages. */
export interface RecordGlance {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly isTombstone: boolean;
  /** Where the record begins and ends in the batch. */
  readonly start: number;
  readonly end: number;
}

export function* glance(value: Buffer, baseOffset: number): Generator<RecordGlance> {
  const { records } = batchFacts(value);
  let start = BATCH_HEADER;
  for (let index = 0; index < records; index += 1) {
    const keyLength = value.readInt32LE(start + 12);
    const keyAt = start + RECORD_HEADER;
    const end = endOfRecord(value, start);
    yield {
      offset: baseOffset + value.readUInt32LE(start),
      timestamp: value.readDoubleLE(start + 4),
      key: keyLength < 0 ? null : value.subarray(keyAt, keyAt + keyLength),
      isTombstone: value.readInt32LE(start + 16) < 0,
      start,
      end,
    };
    start = end;
  }
}

/** The batch with only these of its records; it covers the same offsets as before. */
export function withOnly(value: Buffer, kept: readonly RecordGlance[]): Buffer {
  const { span } = batchFacts(value);
  const header = Buffer.allocUnsafe(BATCH_HEADER);
  let maxTimestamp = 0;
  for (const record of kept) maxTimestamp = Math.max(maxTimestamp, record.timestamp);
  writeFacts(header, { records: kept.length, span, maxTimestamp });
  return Buffer.concat([header, ...kept.map((record) => value.subarray(record.start, record.end))]);
}
