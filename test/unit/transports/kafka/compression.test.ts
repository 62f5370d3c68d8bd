// Own process: it measures memory, which the garbage of other tests would hide.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import zlib from 'node:zlib';
import fc from 'fast-check';
import { compressorOf, unpack } from '../../../../src/transports/kafka/compression/compression.ts';
import { unpackZstd } from '../../../../src/transports/kafka/compression/zstd-frames.ts';
import { lines, ZSTD_FRAMES } from '../../../fixtures/zstd-frames.ts';

const require = createRequire(import.meta.url);
const snappy = require('snappy') as typeof import('snappy');
const lz4 = require('lz4-napi') as typeof import('lz4-napi');

const [SNAPPY, LZ4, ZSTD] = [2, 3, 4] as const;
const CODECS = ['gzip', 'snappy', 'lz4'] as const;

/** Bytes of which some repeat and some do not. */
const content = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
      fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 8 }), fc.nat(20_000)).map(([bytes, times]) => {
        return Buffer.from(bytes).toString('latin1').repeat(times);
      }),
    ),
    { maxLength: 6 },
  )
  .map((parts) => Buffer.concat(parts.map((part) => Buffer.from(part as string, 'latin1'))));

function packed(name: (typeof CODECS)[number], bytes: Buffer): { codec: number; bytes: Buffer } {
  const compressor = compressorOf(name);
  assert.ok(compressor !== undefined);
  return { codec: compressor.codec, bytes: compressor.pack(bytes) };
}

for (const name of CODECS) {
  test(`${name}: what was packed is unpacked, the same bytes each time, and within its size only`, () => {
    fc.assert(
      fc.property(content, (bytes) => {
        const one = packed(name, bytes);
        assert.deepEqual(packed(name, bytes).bytes, one.bytes);
        assert.ok(unpack(one.codec, one.bytes, Math.max(bytes.length, 1)).equals(bytes));
        if (bytes.length > 1) assert.throws(() => unpack(one.codec, one.bytes, bytes.length - 1), /holds more than/);
      }),
      { numRuns: 60 },
    );
  });
}

test('none has no compressor', () => {
  assert.equal(compressorOf('none'), undefined);
});

test('snappy is written in the framing of Java, and bare blocks are read as well', () => {
  const bytes = lines(5_000);
  const written = packed('snappy', bytes).bytes;
  assert.equal(written.subarray(0, 16).toString('hex'), '82534e4150505900' + '0000000100000001');
  assert.equal(written.readInt32BE(16), snappy.compressSync(bytes.subarray(0, 65_536)).length);
  const bare = snappy.compressSync(bytes);
  assert.ok(unpack(SNAPPY, bare, bytes.length).equals(bytes));
  assert.throws(() => unpack(SNAPPY, bare, bytes.length - 1), /compressed with snappy.*holds more than/);
});

test('lz4 frames are read with every flag that a writer may set, and with blocks that refer to each other', () => {
  const bytes = lines(2_000);
  for (const contentChecksum of [true, false]) {
    for (const blockChecksums of [true, false]) {
      const frame = lz4.compressFrameSync(bytes, { contentChecksum, blockChecksums });
      assert.ok(unpack(LZ4, frame, bytes.length).equals(bytes));
      assert.throws(() => unpack(LZ4, frame, bytes.length - 1), /holds more than/);
    }
  }
  // By `lz4 -BD --content-size` of 200,000 zeros: four blocks, each of which begins in the one before it.
  const linked = Buffer.from(LINKED_LZ4, 'base64');
  assert.ok(unpack(LZ4, linked, 200_000).equals(Buffer.alloc(200_000)));
  assert.throws(() => unpack(LZ4, linked, 199_999), /holds more than/);
});

for (const { name, base64, content: bytes } of ZSTD_FRAMES) {
  test(`zstd is read on every Node: ${name}`, () => {
    const frame = Buffer.from(base64, 'base64');
    for (const read of [unpackZstd, (frame: Buffer, limit: number) => unpack(ZSTD, frame, limit)]) {
      assert.ok(read(frame, bytes.length).equals(bytes));
      assert.throws(() => read(frame, bytes.length - 1));
    }
    assert.throws(() => unpack(ZSTD, frame, bytes.length - 1), /holds more than/);
  });
}

test('zstd frames of raw and repeated bytes are read, whatever their headers say, one behind the other', () => {
  const block = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc.tuple(fc.nat(255), fc.integer({ min: 1, max: 100_000 })).map(([byte, times]) => ({ byte, times })),
  );
  const frame = fc.record({
    blocks: fc.array(block, { minLength: 1, maxLength: 4 }),
    sized: fc.boolean(),
    checksum: fc.boolean(),
    window: fc.integer({ min: 17, max: 27 }),
    skippable: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(frame, { minLength: 1, maxLength: 3 }), (frames) => {
      const bytes = Buffer.concat(frames.flatMap(({ blocks }) => blocks.map(contentOf)));
      const packed = Buffer.concat(frames.map(zstdFrame));
      assert.ok(unpackZstd(packed, bytes.length).equals(bytes));
      if (bytes.length > 0) assert.throws(() => unpackZstd(packed, bytes.length - 1));
    }),
    { numRuns: 60 },
  );
});

const { zstdCompressSync } = zlib as { zstdCompressSync?: (bytes: Buffer) => Buffer };
if (zstdCompressSync !== undefined) {
  test('zstd as this Node writes it is read alike by both readers', () => {
    fc.assert(
      fc.property(content, (bytes) => {
        const frame = zstdCompressSync(bytes);
        assert.ok(unpackZstd(frame, bytes.length).equals(bytes));
        assert.ok(unpack(ZSTD, frame, Math.max(bytes.length, 1)).equals(bytes));
      }),
      { numRuns: 40 },
    );
  });
}

const SAMPLES: readonly { readonly name: string; readonly codec: number; readonly bytes: Buffer }[] = [
  ...CODECS.map((name) => ({ name, ...packed(name, lines(60)) })),
  { name: 'bare snappy', codec: SNAPPY, bytes: snappy.compressSync(lines(60)) },
  ...ZSTD_FRAMES.map(({ name, base64 }) => ({
    name: `zstd, ${name}`,
    codec: ZSTD,
    bytes: Buffer.from(base64, 'base64'),
  })),
];

test('truncated, changed and foreign bytes are refused or unpacked within the limit, in any codec', () => {
  const limit = 400_000;
  const attempt = (codec: number, bytes: Buffer, read = unpack) => {
    try {
      assert.ok(read(codec, bytes, limit).length <= limit);
    } catch (error) {
      assert.ok(error instanceof Error && !(error instanceof assert.AssertionError), String(error));
    }
  };
  const flips = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 });
  fc.assert(
    fc.property(fc.constantFrom(...SAMPLES), flips, fc.nat(), fc.boolean(), (sample, changes, cut, isCut) => {
      const bytes = Buffer.from(sample.bytes);
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
      const rest = isCut ? bytes.subarray(0, cut % bytes.length) : bytes;
      attempt(sample.codec, rest);
      if (sample.codec === ZSTD) attempt(ZSTD, rest, (_, frame, most = limit) => unpackZstd(frame, most));
    }),
    { numRuns: 500 },
  );
  fc.assert(
    fc.property(fc.nat(7), fc.uint8Array({ maxLength: 60 }), (codec, bytes) => attempt(codec, Buffer.from(bytes))),
  );
});

test('bytes that hold far more than a batch may are refused before they take memory', () => {
  const zeros = Buffer.alloc(80 * 1_048_576);
  const huge = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0]);
  const xerial = Buffer.concat([packed('snappy', Buffer.alloc(0)).bytes, Buffer.from([0, 0, 0, huge.length]), huge]);
  const bombs: readonly [name: string, codec: number, bytes: Buffer][] = [
    ['gzip', 1, zlib.gzipSync(zeros)],
    ['snappy, by its header', SNAPPY, huge],
    ['snappy in frames, by a header', SNAPPY, xerial],
    ['lz4', LZ4, lz4.compressFrameSync(zeros)],
    [
      'zstd, by its blocks',
      ZSTD,
      zstdFrame({ blocks: Array.from({ length: 700 }, () => ({ byte: 0, times: 131_072 })) }),
    ],
    ['zstd, by its header', ZSTD, zstdFrame({ blocks: [Buffer.from('x')], sized: true, size: 2 ** 31 })],
  ];
  for (const [name, codec, bytes] of bombs) {
    const before = process.memoryUsage();
    // Node's own zstd does not believe what a header says, and finds that it is not so.
    const isFalse = name === 'zstd, by its header' && 'zstdDecompressSync' in zlib;
    assert.throws(() => unpack(codec, bytes), isFalse ? /Data corruption/ : /holds more than 64MiB/, name);
    const after = process.memoryUsage();
    const grown = after.external + after.arrayBuffers - before.external - before.arrayBuffers;
    assert.ok(grown < 200 * 1_048_576, `${name}: ${grown}`);
  }
});

test('zstd with a window that takes a newer Node says so', () => {
  const blocks = Array.from({ length: 100 }, () => ({ byte: 0, times: 131_072 }));
  assert.throws(() => unpackZstd(zstdFrame({ blocks, window: 27 }), 64 * 1_048_576), /window of 128MiB.*Node 22\.15/);
});

test('a codec that Kafka does not have is named', () => {
  assert.throws(() => unpack(6, Buffer.from('x')), /codec 6/);
});

const LINKED_LZ4 =
  'BCJNGExAQA0DAAAAAABYCwEAAB8AAQD/////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////51AAAAAAAAsBAAAfAAEA/////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////+dQAAAAAAALAQAAHwABAP/////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////nUAAAAAAAGAAAAB8AAQD/////////////////NFAAAAAAAAAAAABoPLDc';

type Block = Buffer | { readonly byte: number; readonly times: number };

function contentOf(block: Block): Buffer {
  return Buffer.isBuffer(block) ? block : Buffer.alloc(block.times, block.byte);
}

/** A frame of blocks that are not compressed; `window` is the logarithm of the window's size. RFC 8878, 3.1.1. */
function zstdFrame(frame: {
  blocks: readonly Block[];
  sized?: boolean;
  size?: number;
  checksum?: boolean;
  window?: number;
  skippable?: boolean;
}): Buffer {
  const { blocks, sized = false, checksum = false, window = 20, skippable = false } = frame;
  const parts: Buffer[] = [];
  if (skippable) parts.push(Buffer.from('5b2a4d1803000000616263', 'hex'));
  // Size in eight bytes, checksum; window descriptor.
  parts.push(
    Buffer.from('28b52ffd', 'hex'),
    Buffer.from([(sized ? 0xc0 : 0) | (checksum ? 4 : 0), (window - 10) << 3]),
  );
  if (window < 10) throw new RangeError('A window has 1 KiB at least');
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(frame.size ?? blocks.reduce((sum, block) => sum + contentOf(block).length, 0)));
  if (sized) parts.push(size);
  for (const [index, block] of blocks.entries()) {
    const last = index === blocks.length - 1 ? 1 : 0;
    const head = Buffer.alloc(3);
    if (Buffer.isBuffer(block)) {
      head.writeUIntLE((block.length << 3) | last, 0, 3);
      parts.push(head, block);
    } else {
      head.writeUIntLE((block.times << 3) | 2 | last, 0, 3);
      parts.push(head, Buffer.from([block.byte]));
    }
  }
  if (checksum) parts.push(Buffer.from('abcd'));
  return Buffer.concat(parts);
}
