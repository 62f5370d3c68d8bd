import { constants, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { defineProcessor, field, z } from '../../sdk/index.ts';
import { type CompressionFormat, FORMATS, formatSetting, zstdCompressSync } from './compression-formats.ts';

export const compress = defineProcessor({
  name: 'compress',
  summary: 'Compresses the payload.',
  description:
    'For payloads that are stored or passed on as they are; what Kafka itself compresses, a batch at a time, is smaller (`compression` of the log). A payload of some hundred bytes may grow. A record without a value passes.',
  config: z.strictObject({
    with: formatSetting(FORMATS, 'gzip'),
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

function packer(name: CompressionFormat, level: number): (data: Buffer) => Buffer {
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
      return (data) => (zstdCompressSync as NonNullable<typeof zstdCompressSync>)(data);
  }
}
