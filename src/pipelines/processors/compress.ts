import * as zlib from 'node:zlib';
import { constants, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { defineProcessor, field, z } from '../../sdk/index.ts';

type ZstdCompress = ((data: Buffer) => Buffer) | undefined;

/** Node has it from 22.15 and 23.8 on; the types are those of Node 20. */
const { zstdCompressSync } = zlib as unknown as { readonly zstdCompressSync: ZstdCompress };

export const compress = defineProcessor({
  name: 'compress',
  summary: 'Compresses the payload.',
  description:
    'For payloads that are stored or passed on as they are; what Kafka itself compresses, a batch at a time, is smaller (`compression` of the log). A payload of some hundred bytes may grow. A record without a value passes.',
  config: z.strictObject({
    with: z
      .enum(['gzip', 'deflate', 'deflate_raw', 'zstd'])
      .prefault('gzip')
      .superRefine((name, context) => {
        if (name !== 'zstd' || zstdCompressSync !== undefined) return;
        const message = `zstd needs Node.js 22.15 or later, and this is ${process.version}; use gzip, or run a later one`;
        context.addIssue({ code: 'custom', message, input: name });
      })
      .describe(
        'deflate: as HTTP calls it, with a zlib header; deflate_raw: without. zstd needs Node.js 22.15 or later.',
      ),
    level: field.integer({ min: 1, max: 9 }).prefault(6).describe('1 is fastest, 9 is smallest; not for zstd.'),
  }),
  examples: [
    {
      title: 'gzip',
      config: {},
      input: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
      output: { base64: 'H4sIAAAAAAAAA0tMxA8AdxexyiAAAAA=' },
    },
  ],
  create: ({ with: name, level }) => {
    const pack = packer(name, level);
    return {
      process: (message) => (message.isTombstone ? message : message.derive({ payload: pack(message.payload) })),
    };
  },
});

function packer(name: 'gzip' | 'deflate' | 'deflate_raw' | 'zstd', level: number): (data: Buffer) => Buffer {
  const options = { level, strategy: constants.Z_DEFAULT_STRATEGY };
  switch (name) {
    case 'gzip':
      return (data) => gzipSync(data, options);
    case 'deflate':
      return (data) => deflateSync(data, options);
    case 'deflate_raw':
      return (data) => deflateRawSync(data, options);
    case 'zstd':
      // The settings were refused where Node has none.
      return (data) => (zstdCompressSync as NonNullable<ZstdCompress>)(data);
  }
}
