import * as zlib from 'node:zlib';
import { z } from '../../sdk/index.ts';

export type CompressionFormat = 'gzip' | 'deflate' | 'deflate_raw' | 'zstd';

export const FORMATS = ['gzip', 'deflate', 'deflate_raw', 'zstd'] as const satisfies readonly CompressionFormat[];

interface Zstd {
  readonly zstdCompressSync?: (data: Buffer) => Buffer;
  readonly zstdDecompressSync?: (data: Buffer, options: { readonly maxOutputLength: number }) => Buffer;
}

/** Node has it from 22.15 and 23.8 on; the types are those of Node 20. */
export const { zstdCompressSync, zstdDecompressSync } = zlib as unknown as Zstd;

export const ZSTD_NEEDS = 'zstd needs Node.js 22.15 or later';

/** The setting `with`: one of the formats, refused where this Node.js has it not. */
export function formatSetting<const T extends string>(formats: readonly T[], byDefault: T) {
  return z
    .enum(formats)
    .superRefine((name, context) => {
      if (name !== 'zstd' || zstdCompressSync !== undefined) return;
      const message = `${ZSTD_NEEDS}, and this is ${process.version}; use gzip, or run a later one`;
      context.addIssue({ code: 'custom', message, input: name });
    })
    .prefault(byDefault as never)
    .describe(`deflate: as HTTP calls it, with a zlib header; deflate_raw: without. ${ZSTD_NEEDS}.`);
}
