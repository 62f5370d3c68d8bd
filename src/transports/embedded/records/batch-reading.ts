import type { Meta } from '../../../core/content.ts';
import { type Header, type Headers, NO_HEADERS } from '../../../core/headers.ts';
import { Message, type SettleTarget } from '../../../core/message.ts';
import { type Propagation, W3C } from '../../../core/propagation.ts';
import {
  BATCH_HEADER,
  type BatchFacts,
  CHECKED_FROM,
  CHECKSUM_VERSION,
  HEADER_LENGTHS,
  RECORD_HEADER,
  seal,
} from './batch-format.ts';

const EMPTY = Buffer.alloc(0);
const NO_META: Meta = Object.freeze({});
const TOMBSTONE: Meta = Object.freeze({ tombstone: true });

/** The header of a batch. One that `damageIn` has not looked at may say anything, or throw RangeError. */
export function batchFacts(value: Buffer): BatchFacts {
  const at = value.readUInt8(0) >= CHECKSUM_VERSION ? CHECKED_FROM : 1;
  return {
    records: value.readUInt32LE(at),
    span: value.readUInt32LE(at + 4),
    maxTimestamp: value.readDoubleLE(at + 8),
    recordsAt: at + 16,
  };
}

/** The largest timestamp of a batch, or what a damaged one says of it. */
export function claimedTimestamp(value: Buffer): number {
  return value.length < BATCH_HEADER ? 0 : batchFacts(value).maxTimestamp;
}

/** Where the records of a batch come from and go to. */
export interface DecodeOptions {
  readonly topic: string;
  readonly partition: number;
  readonly baseOffset: number;
  /** Records in front of it are left out. */
  readonly from: number;
  readonly target?: SettleTarget | undefined;
  readonly propagation?: Propagation | undefined;
}

/** Adds the batch's messages to `into`, at most until it holds `most`; returns the offset to go on with. */
export function decodeBatch(value: Buffer, options: DecodeOptions, into: Message[], most: number): number {
  const { baseOffset, from } = options;
  const { records, span, recordsAt } = batchFacts(value);
  let at = recordsAt;
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
  const headers = readHeaders(value, payloadAt + Math.max(payloadLength, 0), headerCount);
  return new Message(payloadLength <= 0 ? EMPTY : value.subarray(payloadAt, payloadAt + payloadLength), {
    key: keyLength < 0 ? null : value.subarray(keyAt, payloadAt),
    headers,
    trace: (options.propagation ?? W3C).traceIn(headers),
    meta: payloadLength < 0 ? TOMBSTONE : NO_META,
    timestamp: value.readDoubleLE(start + 4),
    topic: options.topic,
    partition: options.partition,
    offset,
    target: options.target,
    token: offset,
  });
}

function readHeaders(value: Buffer, start: number, count: number): Headers {
  if (count === 0) return NO_HEADERS;
  const headers: Header[] = [];
  let at = start;
  for (let index = 0; index < count; index += 1) {
    const nameAt = at + HEADER_LENGTHS;
    const contentAt = nameAt + value.readUInt32LE(at);
    const length = value.readInt32LE(at + 4);
    const end = contentAt + Math.max(length, 0);
    headers.push([value.toString('utf8', nameAt, contentAt), length < 0 ? null : value.subarray(contentAt, end)]);
    at = end;
  }
  return headers;
}

function endOfRecord(value: Buffer, start: number): number {
  let at =
    start + RECORD_HEADER + Math.max(value.readInt32LE(start + 12), 0) + Math.max(value.readInt32LE(start + 16), 0);
  for (let left = value.readUInt32LE(start + 20); left > 0; left -= 1) {
    at += HEADER_LENGTHS + value.readUInt32LE(at) + Math.max(value.readInt32LE(at + 4), 0);
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
  const { records, recordsAt } = batchFacts(value);
  let start = recordsAt;
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
  const rest = Buffer.concat([header, ...kept.map((record) => value.subarray(record.start, record.end))]);
  seal(rest, { records: kept.length, span, maxTimestamp });
  return rest;
}
