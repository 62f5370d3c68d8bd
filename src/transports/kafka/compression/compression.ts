import zlib from 'node:zlib';
import { reasonOf, TidegateError } from '../../../core/errors.ts';
import { formatSize } from '../../../core/units.ts';
import { lz4, packLz4, unpackLz4 } from './lz4-frame.ts';
import { packSnappy, snappy, unpackSnappy } from './snappy-blocks.ts';
import { MAX_UNPACKED, TooLarge } from './unpacked-limit.ts';
import { unpackZstd } from './zstd-frames.ts';

/** What batches can be written with. No library compresses zstd for Node 20 without a compiler or a download at install. */
export const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4'] as const;

export type Compression = (typeof COMPRESSIONS)[number];

/** The bits of a batch's attributes that name its codec: the place in this list. */
export const CODEC_BITS = 0x07;
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

/** Node has it from 22.15 on. */
const { zstdDecompressSync: zstdOfNode } = zlib as { zstdDecompressSync?: typeof zlib.gunzipSync };

export interface Compressor {
  /** For the attributes of the batch. */
  readonly codec: number;
  /** Packs the records of one batch, at once: 1 MiB, the most that is sent, takes 4 ms, with gzip 20. */
  pack(records: Buffer): Buffer;
}

/** undefined for `none`. Throws TG_CONFIG_INVALID where the library has no binary for this machine. */
export function compressorOf(compression: Compression): Compressor | undefined {
  const codec = CODECS.indexOf(compression);
  try {
    switch (compression) {
      case 'none':
        return undefined;
      case 'gzip':
        return { codec, pack: (records) => zlib.gzipSync(records) };
      case 'snappy':
        snappy();
        return { codec, pack: packSnappy };
      case 'lz4':
        lz4();
        return { codec, pack: packLz4 };
    }
  } catch (error) {
    const message = `log.compression: ${compression} cannot be had on this machine: ${reasonOf(error)}`;
    throw new TidegateError('TG_CONFIG_INVALID', message, error);
  }
}

/** Unpacks the records of one batch, at once. Throws an Error that says why they cannot be had. */
export function unpack(codec: number, packed: Buffer, limit = MAX_UNPACKED): Buffer {
  const name = CODECS[codec];
  if (name === undefined) throw new Error(`compressed with codec ${codec}, which is none of Kafka's`);
  try {
    return unpackAs(name, packed, limit);
  } catch (error) {
    const reason = isTooLarge(error) ? `it holds more than ${formatSize(limit)}` : reasonOf(error);
    throw new Error(`compressed with ${name}, and cannot be unpacked: ${reason}`, { cause: error });
  }
}

function unpackAs(name: (typeof CODECS)[number], packed: Buffer, limit: number): Buffer {
  switch (name) {
    case 'none':
      return packed;
    case 'gzip':
      return zlib.gunzipSync(packed, { maxOutputLength: limit });
    case 'snappy':
      return unpackSnappy(packed, limit);
    case 'lz4':
      return unpackLz4(packed, limit);
    case 'zstd':
      return zstdOfNode === undefined ? unpackZstd(packed, limit) : zstdOfNode(packed, { maxOutputLength: limit });
  }
}

function isTooLarge(error: unknown): boolean {
  return error instanceof TooLarge || (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
}
