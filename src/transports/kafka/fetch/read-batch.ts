import type { Meta } from '../../../core/content.ts';
import { type Header, type Headers, NO_HEADERS } from '../../../core/headers.ts';
import { Message, type SettleTarget } from '../../../core/message.ts';
import type { Propagation } from '../../../core/propagation.ts';
import type { FetchedPartition } from '../wire/fetch-request.ts';
import type { Cursor } from '../wire/varint.ts';

/** The only format that is read: that of Kafka 0.11 and all later ones. */
export const MAGIC = 2;

const LOG_APPEND_TIME = 0x08;
/** Attributes, two deltas, the lengths of key and value, and the number of headers take a byte each at least. */
const SMALLEST_RECORD = 6;

const EMPTY = Buffer.alloc(0);
const NO_META: Meta = Object.freeze({});

/** Marks a record that had no value at all, which is not the same as an empty one for Kafka. */
const TOMBSTONE: Meta = Object.freeze({ tombstone: true });

export interface BatchHeader {
  readonly baseOffset: number;
  readonly attributes: number;
  readonly lastOffsetDelta: number;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  readonly producerId: number;
  readonly count: number;
}

/** Takes `cursor` from the first byte of a batch to its records. Throws RangeError where it cannot be one. */
export function readHeader(cursor: Cursor): BatchHeader {
  const baseOffset = cursor.int64();
  // Length and leader epoch
  cursor.at += 8;
  const magic = cursor.int8();
  if (magic !== MAGIC) throw new RangeError(`Format ${magic}`);
  // Checksum
  cursor.at += 4;
  const attributes = cursor.int16();
  const lastOffsetDelta = cursor.int32();
  if (lastOffsetDelta < 0) throw new RangeError('The batch ends before it begins');
  const baseTimestamp = cursor.int64();
  const maxTimestamp = cursor.int64();
  const producerId = cursor.int64();
  // Producer epoch and sequence
  cursor.at += 6;
  const count = cursor.int32();
  return { baseOffset, attributes, lastOffsetDelta, baseTimestamp, maxTimestamp, producerId, count };
}

/** Appends the records from `position` on, up to the end of the cursor's buffer. Throws RangeError where they are malformed. */
export function readRecords(
  cursor: Cursor,
  header: BatchHeader,
  position: number,
  { topic, partition }: FetchedPartition,
  target: SettleTarget | undefined,
  propagation: Propagation,
  into: Message[],
): void {
  for (let index = 0; index < header.count; index += 1) {
    const length = cursor.varint();
    const end = cursor.at + length;
    // Without a smallest record, a wrong number of records would keep us here for long.
    if (!(length >= SMALLEST_RECORD && end <= cursor.buffer.length)) throw new RangeError('A record is cut off');
    cursor.at += 1;
    const timestampDelta = cursor.varint();
    const delta = cursor.varint();
    if (!(delta >= 0 && delta <= header.lastOffsetDelta)) throw new RangeError('A record is not in its batch');
    const offset = header.baseOffset + delta;
    if (offset >= position) {
      const key = cursor.varbytes();
      const value = cursor.varbytes();
      const headers = readHeaders(cursor);
      if (cursor.at !== end) throw new RangeError('A record has another length than it says');
      into.push(
        new Message(value ?? EMPTY, {
          key,
          headers,
          trace: propagation.traceIn(headers),
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
  if (cursor.at !== cursor.buffer.length) throw new RangeError('There is more in the batch than its records');
}

function readHeaders(cursor: Cursor): Headers {
  const count = cursor.varint();
  if (count === 0) return NO_HEADERS;
  const headers: Header[] = [];
  for (let index = 0; index < count; index += 1) {
    const name = (cursor.varbytes() ?? EMPTY).toString('utf8');
    headers.push([name, cursor.varbytes()]);
  }
  return headers;
}
