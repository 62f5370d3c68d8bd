import zlib from 'node:zlib';
import { type HeaderValue, Message, type Meta, type SettleTarget, type TraceContext } from '../../core/message.ts';
import type { AbortedTransaction, FetchedPartition } from './fetch-request.ts';
import { BATCH_OVERHEAD } from './record-batch.ts';
import { Cursor } from './varint.ts';

const COMPRESSION = 0x07;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const EMPTY = Buffer.alloc(0);
const NO_META: Meta = Object.freeze({});

/** Says that a record had no value at all, which Kafka tells apart from an empty one. */
export const TOMBSTONE: Meta = Object.freeze({ tombstone: true });

export interface Decoded {
  readonly messages: Message[];
  /** Offset to go on with. */
  readonly next: number;
  /** First offset of a batch that cannot be read, and why; reading ends in front of it, or behind where it was the first. */
  readonly unreadable?: { readonly from: number; readonly to: number; readonly reason: string };
}

/**
 * Messages of a fetched partition from `position` on: compaction's gaps, transactions that were aborted and control
 * records are skipped, the last batch may be cut off. Offsets become tokens, so that a settle finds its record again.
 */
export function decodeRecords(fetched: FetchedPartition, position: number, target?: SettleTarget): Decoded {
  const { records } = fetched;
  const aborted = new AbortedFilter(fetched.aborted);
  const messages: Message[] = [];
  let next = position;
  for (let at = 0; at + BATCH_OVERHEAD <= records.length; ) {
    const cursor = new Cursor(records, at);
    const baseOffset = cursor.int64();
    const length = cursor.int32();
    if (at + 12 + length > records.length) break;
    at += 12 + length;
    const header = readHeader(cursor, baseOffset);
    const behind = baseOffset + header.lastOffsetDelta + 1;
    if (behind <= next) continue;
    if (header.magic < 2) {
      return unreadable(messages, next, behind, 'written in a message format older than Kafka 0.11');
    }
    if (aborted.skips(header, cursor)) {
      next = behind;
      continue;
    }
    const body = decompress(header.attributes & COMPRESSION, records.subarray(cursor.at, at));
    if (typeof body === 'string') return unreadable(messages, next, behind, body);
    readRecords(new Cursor(body), header, next, fetched, target, messages);
    next = behind;
  }
  return { messages, next };
}

function unreadable(messages: Message[], next: number, behind: number, reason: string): Decoded {
  if (messages.length > 0) return { messages, next };
  return { messages, next: behind, unreadable: { from: next, to: behind, reason } };
}

interface BatchHeader {
  readonly baseOffset: number;
  readonly magic: number;
  readonly attributes: number;
  readonly lastOffsetDelta: number;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  readonly producerId: number;
  readonly count: number;
}

function readHeader(cursor: Cursor, baseOffset: number): BatchHeader {
  cursor.at += 4;
  const magic = cursor.int8();
  cursor.at += 4;
  const attributes = cursor.int16();
  const lastOffsetDelta = magic < 2 ? 0 : cursor.int32();
  const baseTimestamp = cursor.int64();
  const maxTimestamp = cursor.int64();
  const producerId = cursor.int64();
  cursor.at += 6;
  return {
    baseOffset,
    magic,
    attributes,
    lastOffsetDelta,
    baseTimestamp,
    maxTimestamp,
    producerId,
    count: cursor.int32(),
  };
}

/** The bytes, or why they cannot be had. */
function decompress(codec: number, bytes: Buffer): Buffer | string {
  if (codec === 0) return bytes;
  if (codec === 1) return zlib.gunzipSync(bytes);
  const { zstdDecompressSync } = zlib as { zstdDecompressSync?: (bytes: Buffer) => Buffer };
  if (codec === 4 && zstdDecompressSync !== undefined) return zstdDecompressSync(bytes);
  return `compressed with ${CODECS[codec] ?? `codec ${codec}`}, which cannot be read here; use gzip or none in the topic`;
}

function readRecords(
  cursor: Cursor,
  header: BatchHeader,
  position: number,
  { topic, partition }: FetchedPartition,
  target: SettleTarget | undefined,
  into: Message[],
): void {
  for (let index = 0; index < header.count; index += 1) {
    const length = cursor.varint();
    const end = cursor.at + length;
    cursor.at += 1;
    const timestampDelta = cursor.varint();
    const offset = header.baseOffset + cursor.varint();
    if (offset >= position) {
      const key = cursor.varbytes();
      const value = cursor.varbytes();
      const { headers, trace } = readHeaders(cursor);
      into.push(
        new Message(value ?? EMPTY, {
          key,
          headers,
          trace,
          meta: value === null ? TOMBSTONE : NO_META,
          timestamp:
            (header.attributes & LOG_APPEND_TIME) !== 0 ? header.maxTimestamp : header.baseTimestamp + timestampDelta,
          topic,
          partition,
          offset,
          target,
          token: offset,
        }),
      );
    }
    cursor.at = end;
  }
}

const NO_HEADERS: { headers: undefined; trace: undefined } = { headers: undefined, trace: undefined };

/** W3C trace context leaves the headers and becomes the message's own; of a repeated header the last one counts. */
function readHeaders(cursor: Cursor): { headers?: Record<string, HeaderValue>; trace?: TraceContext } {
  const count = cursor.varint();
  if (count === 0) return NO_HEADERS;
  let headers: Record<string, HeaderValue> | undefined;
  let traceparent: string | undefined;
  let tracestate: string | undefined;
  for (let index = 0; index < count; index += 1) {
    const name = (cursor.varbytes() ?? EMPTY).toString('utf8');
    const value = cursor.varbytes() ?? EMPTY;
    if (name === 'traceparent') traceparent = value.toString('latin1');
    else if (name === 'tracestate') tracestate = value.toString('utf8');
    else if (name !== '__proto__') {
      headers ??= {};
      headers[name] = value;
    }
  }
  if (traceparent === undefined) return { headers };
  return { headers, trace: tracestate === undefined ? { traceparent } : { traceparent, tracestate } };
}

/** Follows which producers' transactions are aborted at the place that is read. */
class AbortedFilter {
  private readonly starts: readonly AbortedTransaction[];
  private readonly open = new Set<number>();
  private taken = 0;

  constructor(aborted: readonly AbortedTransaction[]) {
    this.starts = aborted.length < 2 ? aborted : [...aborted].sort((a, b) => a.firstOffset - b.firstOffset);
  }

  /** True for control batches and for what an aborted transaction wrote. */
  skips(header: BatchHeader, cursor: Cursor): boolean {
    for (
      let start = this.starts[this.taken];
      start !== undefined && start.firstOffset <= header.baseOffset + header.lastOffsetDelta;
      start = this.starts[this.taken]
    ) {
      this.open.add(start.producerId);
      this.taken += 1;
    }
    if ((header.attributes & CONTROL) !== 0) {
      if (endsByAbort(cursor)) this.open.delete(header.producerId);
      return true;
    }
    return (header.attributes & TRANSACTIONAL) !== 0 && this.open.has(header.producerId);
  }
}

/** A control record's key: version, then type 0 for abort and 1 for commit. */
function endsByAbort(cursor: Cursor): boolean {
  const record = new Cursor(cursor.buffer, cursor.at);
  record.varint();
  record.at += 1;
  record.varint();
  record.varint();
  const key = record.varbytes();
  return key !== null && key.length >= 4 && key.readInt16BE(2) === 0;
}
