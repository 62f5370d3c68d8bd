import { reasonOf } from '../../../core/errors.ts';
import type { Message, SettleTarget } from '../../../core/message.ts';
import { type Propagation, W3C } from '../../../core/propagation.ts';
import { CODEC_BITS, unpack } from '../compression/compression.ts';
import type { AbortedTransaction, FetchedPartition } from '../wire/fetch-request.ts';
import { BATCH_OVERHEAD, isIntact } from '../wire/record-batch.ts';
import { Cursor } from '../wire/varint.ts';
import { type BatchHeader, MAGIC, readHeader, readRecords } from './read-batch.ts';

const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

/** Bytes of a batch up to the number of its format, which all formats have at the same place. */
const HEAD = 17;
const MAGIC_AT = 16;
const LAST_OFFSET_DELTA_AT = 23;

export interface Decoded {
  readonly messages: Message[];
  /** Offset to go on with. */
  readonly next: number;
  /** Bytes that compressed batches turned out to hold. */
  readonly unpacked: number;
  /** Offsets of a batch that cannot be read, and why; reading ends in front of it, or behind where it was the first. */
  readonly unreadable?: { readonly from: number; readonly to: number; readonly reason: string };
}

/**
 * Messages of a fetched partition from `position` on: compaction's gaps, transactions that were aborted and control
 * records are skipped, the last batch may be cut off. Offsets become tokens, so that a settle finds its record again.
 * Ends early once compressed batches have given `room` bytes: the rest is fetched again. Never throws.
 */
export function decodeRecords(
  fetched: FetchedPartition,
  position: number,
  target?: SettleTarget,
  room = Number.POSITIVE_INFINITY,
  propagation: Propagation = W3C,
): Decoded {
  const { records } = fetched;
  const aborted = new AbortedFilter(fetched.aborted);
  const messages: Message[] = [];
  let next = position;
  let unpacked = 0;
  for (let at = 0; at + HEAD <= records.length; ) {
    const end = at + 12 + records.readInt32BE(at + 8);
    if (end > records.length) break;
    const batch = records.subarray(at, end);
    const before = messages.length;
    try {
      const cursor = new Cursor(batch);
      const header = readHeader(cursor);
      const behind = header.baseOffset + header.lastOffsetDelta + 1;
      // An offset that is too high would be out of range, and reading would begin anew.
      if (behind > fetched.end && !isIntact(batch)) throw new RangeError('The checksum is wrong');
      if (behind > next) {
        if (aborted.skips(header, cursor)) {
          // One wrong bit in the attributes would make records vanish without a word.
          if (!isIntact(batch)) throw new RangeError('The checksum is wrong');
        } else {
          const codec = header.attributes & CODEC_BITS;
          if (codec !== 0 && unpacked >= room) break;
          const body = codec === 0 ? cursor : new Cursor(unpackRecords(codec, batch));
          if (codec !== 0) unpacked += body.buffer.length;
          readRecords(body, header, next, fetched, target, propagation, messages);
        }
        next = behind;
      }
    } catch (error) {
      messages.length = before;
      if (before > 0) return { messages, next, unpacked };
      const to = offsetBehind(batch, next, fetched.end);
      return { messages, next: to, unpacked, unreadable: { from: next, to, reason: whyUnreadable(batch, error) } };
    }
    at = end;
  }
  return { messages, next, unpacked };
}

/** The checksum is looked at first: one wrong bit in what is compressed may make many records wrong, and none fail. */
function unpackRecords(codec: number, batch: Buffer): Buffer {
  if (!isIntact(batch)) throw new RangeError('The checksum is wrong');
  return unpack(codec, batch.subarray(BATCH_OVERHEAD));
}

/** Where reading goes on. What a damaged batch says of its offsets is believed only if it can be so. */
function offsetBehind(batch: Buffer, next: number, end: number): number {
  if (batch.length < HEAD) return next + 1;
  const isRecent = batch.readInt8(MAGIC_AT) >= MAGIC && batch.length >= BATCH_OVERHEAD;
  const behind = new Cursor(batch).int64() + (isRecent ? batch.readInt32BE(LAST_OFFSET_DELTA_AT) : 0) + 1;
  return behind > next && behind <= end ? behind : next + 1;
}

function whyUnreadable(batch: Buffer, error: unknown): string {
  const magic = batch.length < HEAD ? MAGIC : batch.readInt8(MAGIC_AT);
  if (magic < MAGIC) return 'written in a message format older than Kafka 0.11';
  if (magic > MAGIC) return `written in message format ${magic}, which is not known here`;
  if (batch.length < BATCH_OVERHEAD) return 'damaged: the length of the batch cannot be right';
  if (!isIntact(batch)) return 'damaged: the checksum of the batch is wrong';
  return reasonOf(error);
}

/** Follows which producers' transactions are aborted at the place that is read. */
class AbortedFilter {
  private readonly starts: readonly AbortedTransaction[];
  private readonly open = new Set<number>();
  private taken = 0;

  constructor(aborted: readonly AbortedTransaction[]) {
    this.starts = aborted.length < 2 ? aborted : [...aborted].sort((a, b) => a.firstOffset - b.firstOffset);
  }

  /** True for control batches and for what an aborted transaction wrote. `cursor` is at the batch's records. */
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
