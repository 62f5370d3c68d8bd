import type Snappy from 'snappy';
import { lazyLibrary } from '../../../core/lazy-library.ts';
import { TooLarge } from './unpacked-limit.ts';

/*
 * Kafka's snappy. Java's producer writes the stream of the library snappy-java: a header, then blocks with their lengths
 * (https://github.com/xerial/snappy-java, SnappyOutputStream). librdkafka and others write one bare snappy block
 * (https://github.com/google/snappy/blob/main/format_description.txt), which Java reads as well, so we read both.
 */

/** 0x82 "SNAPPY" 0x00, then the version that wrote it and the oldest one that can read it. */
const HEADER = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
const MAGIC = HEADER.subarray(0, 8);
/** Snappy looks for repetitions within so many bytes, so larger blocks gain nothing. */
const BLOCK = 65_536;

/** Throws where there is no binary for this machine. */
export const snappy = lazyLibrary<typeof Snappy>('snappy');

/** In the stream of snappy-java, which every client of Kafka reads. */
export function packSnappy(bytes: Buffer): Buffer {
  const parts: Buffer[] = [HEADER];
  for (let at = 0; at < bytes.length; at += BLOCK) {
    const block = snappy().compressSync(bytes.subarray(at, at + BLOCK));
    const length = Buffer.allocUnsafe(4);
    length.writeInt32BE(block.length);
    parts.push(length, block);
  }
  return Buffer.concat(parts);
}

/** Throws where the bytes are not snappy, or would be more than `limit` bytes. */
export function unpackSnappy(packed: Buffer, limit: number): Buffer {
  if (!packed.subarray(0, MAGIC.length).equals(MAGIC)) return unpackBlock(packed, limit);
  const parts: Buffer[] = [];
  let room = limit;
  for (let at = HEADER.length; at < packed.length; ) {
    const end = at + 4 + packed.readInt32BE(at);
    if (end < at + 4 || end > packed.length) throw new RangeError('a block is cut off');
    const part = unpackBlock(packed.subarray(at + 4, end), room);
    parts.push(part);
    room -= part.length;
    at = end;
  }
  return Buffer.concat(parts);
}

function unpackBlock(block: Buffer, limit: number): Buffer {
  // The library makes room for what the block says that it holds, before it has looked.
  if (sizeOf(block) > limit) throw new TooLarge();
  return snappy().uncompressSync(block) as Buffer;
}

/** A block begins with the number of bytes that it holds, seven bits a byte. */
function sizeOf(block: Buffer): number {
  let size = 0;
  for (let at = 0; at < 5; at += 1) {
    const byte = block.readUInt8(at);
    size += (byte & 127) * 2 ** (7 * at);
    if (byte < 128) return size;
  }
  throw new RangeError('a length is damaged');
}
