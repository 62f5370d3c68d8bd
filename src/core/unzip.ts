import { constants } from 'node:buffer';
import { gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';

/** `deflate` has the header of zlib (RFC 1950), `deflate_raw` has none (RFC 1951). */
export type ZippedFormat = 'gzip' | 'deflate' | 'deflate_raw';

const UNZIP = { gzip: gunzipSync, deflate: inflateSync, deflate_raw: inflateRawSync } as const;

/** Bytes of the pieces in which zlib hands over its result: zeroing a whole default piece costs more than a small message. */
const MIN_PIECE = 1_024;
const MAX_PIECE = 65_536;
/** How much larger than its source JSON usually is. */
const USUAL_GROWTH = 8;

/** What zlib returns with `info`, which its types do not know. */
interface Unzipped {
  readonly buffer: Buffer;
  /** It has taken so many bytes of the source. */
  readonly engine: { readonly bytesWritten: number };
}

/**
 * Unzips synchronously, which for small messages is several times as fast as zlib's threads. Stops as soon as the result has more
 * than `limit` bytes: no more memory than that is used. Throws the error of zlib, see `isTooLargeUnzipped`, and an Error for bytes
 * behind the end, which may be another message. gzip may have several members.
 */
export function unzip(data: Buffer, format: ZippedFormat, limit: number): Buffer {
  const { buffer, engine } = UNZIP[format](data, {
    maxOutputLength: Math.max(1, Math.min(limit, constants.MAX_LENGTH)),
    chunkSize: Math.min(Math.max(MIN_PIECE, data.length * USUAL_GROWTH), MAX_PIECE),
    info: true,
  }) as unknown as Unzipped;
  const rest = data.length - engine.bytesWritten;
  if (rest > 0 && !(format === 'gzip' && isPadding(data.subarray(-rest))))
    throw new Error(`there are ${rest} bytes behind its end`);
  return buffer;
}

/** gzip, the program, ignores zeros behind the last member. */
function isPadding(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}

/** Whether an error of `unzip` says that the result has more bytes than allowed. */
export function isTooLargeUnzipped(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
}

/** By the first bytes (RFC 1952, RFC 1950); raw deflate has none that tell it. */
export function zippedFormatOf(data: Buffer): 'gzip' | 'deflate' | undefined {
  if (data.length < 2) return undefined;
  const start = data.readUInt16BE(0);
  if (start === 0x1f8b) return 'gzip';
  // A window of 32 KiB, as all compressors write it, and the check that makes it a multiple of 31.
  return data[0] === 0x78 && start % 31 === 0 ? 'deflate' : undefined;
}
