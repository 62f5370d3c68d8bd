import { isUtf8 } from 'node:buffer';
import { formatSize } from '../../core/units.ts';
import { isTooLargeUnzipped, unzip, type ZippedFormat, zippedFormatOf } from '../../core/unzip.ts';
import type { RemoteSettings } from '../../sdk/connect-settings.ts';

/** The payload cannot be unpacked. `isTooLarge`: because the result has more bytes than `max_frame`. */
export class UnpackingFailed extends Error {
  readonly isTooLarge: boolean;

  constructor(message: string, isTooLarge: boolean) {
    super(message);
    this.isTooLarge = isTooLarge;
  }
}

/**
 * The payload of a binary message as it was before the server compressed it; the same buffer if it is not compressed. Throws
 * UnpackingFailed.
 */
export function unpack(data: Buffer, setting: NonNullable<RemoteSettings['decompress']>, maxFrame: number): Buffer {
  const format = setting === 'auto' ? zippedFormatOf(data) : setting === 'deflate' ? deflateOf(data) : setting;
  if (format === undefined) return data;
  try {
    return unzip(data, format, maxFrame);
  } catch (error) {
    if (isTooLargeUnzipped(error))
      throw new UnpackingFailed(
        `the server sent a message larger than max_frame (${formatSize(maxFrame)}) once decompressed; raise it if such messages are meant`,
        true,
      );
    // Text that begins as zlib does, such as "x^2" or "x = 1"; what is compressed is hardly ever UTF-8.
    if (setting === 'auto' && isUtf8(data)) return data;
    throw new UnpackingFailed(`cannot be decompressed as ${setting}: ${(error as Error).message}`, false);
  }
}

/**
 * Servers call both forms deflate. Raw deflate never begins like zlib's header: that would be a stored block with bits set where
 * compressors write zeros.
 */
function deflateOf(data: Buffer): ZippedFormat {
  const isZlib = data.length >= 2 && ((data[0] ?? 0) & 0x0f) === 8 && data.readUInt16BE(0) % 31 === 0;
  return isZlib ? 'deflate' : 'deflate_raw';
}
