import type Lz4 from 'lz4-napi';
import { lazyLibrary } from '../../../core/lazy-library.ts';
import { TooLarge } from './unpacked-limit.ts';

/* Kafka's lz4: one frame, https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md */

const MAGIC = 0x184d2204;
const VERSION = 1;
/** Bits of the frame's first byte of flags. */
const FLAG = { blockChecksum: 0x10, contentSize: 0x08, dictionary: 0x01 };
/** Of a block's length: its bytes are as they were. */
const NOT_COMPRESSED = 0x8000_0000;
const SHORTEST_MATCH = 4;

/** Throws where there is no binary for this machine. */
export const lz4 = lazyLibrary<typeof Lz4>('lz4-napi');

/** In blocks that do not refer to each other: Java's client reads no others. */
export function packLz4(bytes: Buffer): Buffer {
  return lz4().compressFrameSync(bytes);
}

/** Throws where the bytes are not lz4, or would be more than `limit` bytes. */
export function unpackLz4(frame: Buffer, limit: number): Buffer {
  measure(frame, limit);
  return lz4().decompressFrameSync(frame);
}

/**
 * Goes through the frame without unpacking it, as the library takes no limit, 1 MiB can hold 255, and what a frame says of
 * its own size is optional and need not be true. Throws where it is cut off or holds more than `limit` bytes.
 */
function measure(frame: Buffer, limit: number): void {
  const flags = frame.readUInt8(4);
  if (frame.readUInt32LE(0) !== MAGIC || flags >>> 6 !== VERSION) throw new RangeError('it is not lz4');
  const checksum = (flags & FLAG.blockChecksum) === 0 ? 0 : 4;
  let at = 7 + ((flags & FLAG.contentSize) === 0 ? 0 : 8) + ((flags & FLAG.dictionary) === 0 ? 0 : 4);
  let size = 0;
  for (let length = frame.readUInt32LE(at); length !== 0; length = frame.readUInt32LE(at)) {
    const from = at + 4;
    const end = from + (length % NOT_COMPRESSED);
    if (end > frame.length) throw new RangeError('a block is cut off');
    size += length >= NOT_COMPRESSED ? end - from : sizeOfBlock(frame, from, end);
    if (!(size <= limit)) throw new TooLarge();
    at = end + checksum;
  }
}

/** https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md: literals, then a distance and the length of what is repeated, and so on. */
function sizeOfBlock(frame: Buffer, from: number, end: number): number {
  let size = 0;
  let at = from;
  const lengthOf = (nibble: number) => {
    if (nibble < 15) return nibble;
    let length = nibble;
    let byte = 255;
    while (byte === 255 && at < end) {
      byte = frame[at++] ?? 0;
      length += byte;
    }
    return length;
  };
  while (at < end) {
    const token = frame[at++] ?? 0;
    const literals = lengthOf(token >>> 4);
    size += literals;
    at += literals;
    // The last sequence has no match.
    if (at >= end) break;
    at += 2;
    size += lengthOf(token & 15) + SHORTEST_MATCH;
  }
  return size;
}
