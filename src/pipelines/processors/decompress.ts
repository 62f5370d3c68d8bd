import { constants } from 'node:buffer';
import {
  defineProcessor,
  field,
  isTooLargeUnzipped,
  TidegateError,
  unzip,
  z,
  zippedFormatOf,
} from '../../sdk/index.ts';
import {
  type CompressionFormat,
  FORMATS,
  formatSetting,
  ZSTD_NEEDS,
  zstdDecompressSync,
} from './compression-formats.ts';

export const decompress = defineProcessor({
  name: 'decompress',
  summary: 'Decompresses the payload.',
  description:
    '`auto` looks at the first bytes, and lets a payload pass that begins like none of gzip, deflate and zstd; raw deflate has no such bytes and must be named. A small payload can become thousands of times as large, so `limit` bounds the result: a message above it fails, and no more memory than that is used. A record without a value passes.',
  config: z.strictObject({
    with: formatSetting(['auto', ...FORMATS], 'auto'),
    limit: field.size().prefault('16MiB').describe('Most bytes of the result.'),
  }),
  failures: [
    'The payload is not compressed so, or is cut short or damaged.',
    'The result is larger than `limit`.',
    'With `auto`: it is zstd, and this Node.js has none.',
  ],
  examples: [
    {
      title: 'Whatever a feed sends',
      config: {},
      input: { base64: 'H4sIAAAAAAAAA0tMxA8AdxexyiAAAAA=' },
      output: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
    },
    { title: 'What is not compressed passes', config: {}, input: '{"id":1}', output: '{"id":1}' },
    {
      title: 'A result above the limit fails',
      config: { with: 'gzip', limit: '16B' },
      input: { base64: 'H4sIAAAAAAAAA0tMxA8AdxexyiAAAAA=' },
      output: { error: 'TG_MESSAGE_INVALID: the payload is more than 16 bytes once decompressed' },
    },
  ],
  create: ({ with: name, limit }) => ({
    process: (message) => {
      if (message.isTombstone) return message;
      const format = name === 'auto' ? formatOf(message.payload) : name;
      return format === undefined ? message : message.derive({ payload: unpacked(message.payload, format, limit) });
    },
  }),
});

function unpacked(data: Buffer, format: CompressionFormat, limit: number): Buffer {
  try {
    return format === 'zstd' ? unpackedZstd(data, limit) : unzip(data, format, limit);
  } catch (error) {
    if (error instanceof TidegateError) throw error;
    const why = isTooLargeUnzipped(error)
      ? `is more than ${limit} bytes once decompressed; decompress.limit allows no more`
      : `cannot be decompressed as ${format}: ${(error as Error).message}`;
    throw new TidegateError('TG_MESSAGE_INVALID', `the payload ${why}`, error);
  }
}

function unpackedZstd(data: Buffer, limit: number): Buffer {
  if (zstdDecompressSync === undefined)
    throw new TidegateError('TG_MESSAGE_INVALID', `the payload is zstd; ${ZSTD_NEEDS}`);
  return zstdDecompressSync(data, { maxOutputLength: Math.min(limit, constants.MAX_LENGTH) });
}

/** By the first bytes; those of zstd are in RFC 8878. */
function formatOf(data: Buffer): CompressionFormat | undefined {
  const isZstd = data.length >= 4 && data.readUInt32LE(0) === 0xfd2fb528;
  return isZstd ? 'zstd' : zippedFormatOf(data);
}
