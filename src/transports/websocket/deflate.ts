import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { WINDOW_BITS } from './deflate-offer.ts';

/** What a message ends with before it is compressed and after it is read, and what is not sent (RFC 7692 7.2.1). */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);
/** Half of the memory of the default, for nearly the same result with messages of kilobytes. */
const MEMORY_LEVEL = 5;

/** The payload of a compressed message (RFC 7692 7.2.1), at a level from 1 to 9. Blocks for about 10 µs a KiB at level 1. */
export function deflate(payload: Buffer, level: number): Buffer {
  const options = { level, windowBits: WINDOW_BITS, memLevel: MEMORY_LEVEL, finishFlush: constants.Z_SYNC_FLUSH };
  const made = deflateRawSync(payload, options);
  return made.subarray(0, made.length - TAIL.length);
}

/**
 * The message of a compressed payload, which came in these parts (RFC 7692 7.2.2). No more than `most` bytes are made, and
 * a chunk. Throws ERR_BUFFER_TOO_LARGE where they are not enough, and an error of zlib for what is not compressed data.
 */
export function inflate(parts: readonly Buffer[], most: number): Buffer {
  const payload = Buffer.concat([...parts, TAIL]);
  return inflateRawSync(payload, {
    finishFlush: constants.Z_SYNC_FLUSH,
    ...(most > 0 ? { maxOutputLength: most } : {}),
  });
}

/** Whether data was longer than `inflate` may make it. */
export function isTooLarge(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
}
