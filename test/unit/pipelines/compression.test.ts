// Own process: it measures memory, which the garbage of other tests would hide.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import { TidegateError } from '../../../src/core/errors.ts';
import { Message } from '../../../src/core/message.ts';
import { compress } from '../../../src/pipelines/processors/compress.ts';
import { decompress } from '../../../src/pipelines/processors/decompress.ts';
import { fakeContext } from './parts.ts';

const { context } = fakeContext();
const hasZstd = 'zstdCompressSync' in zlib;

const pack = (config: unknown, payload: Buffer) =>
  compress.create(compress.config.parse(config), context).process(new Message(payload)) as Message;
const unpack = (config: unknown, payload: Buffer) =>
  decompress.create(decompress.config.parse(config), context).process(new Message(payload)) as Message;
const invalid = (text: RegExp) => (error: unknown) =>
  error instanceof TidegateError && error.code === 'TG_MESSAGE_INVALID' && text.test(error.message);

const TEXT = Buffer.from('the same again, '.repeat(200));

for (const format of ['gzip', 'deflate', 'deflate_raw', ...(hasZstd ? ['zstd'] : [])]) {
  test(`${format} comes back as it was, by its name and, where its first bytes say so, by auto`, () => {
    const { payload } = pack({ with: format }, TEXT);
    assert.ok(payload.length < TEXT.length / 10);
    assert.deepEqual(unpack({ with: format }, payload).payload, TEXT);
    if (format !== 'deflate_raw') assert.deepEqual(unpack({}, payload).payload, TEXT);
    for (const level of [1, 9])
      assert.deepEqual(unpack({ with: format }, pack({ with: format, level }, TEXT).payload).payload, TEXT);
  });
}

test('auto lets pass what is not compressed, as the message that came', () => {
  for (const text of ['', 'x', '{"a":1}', 'xyz', '\x1f']) {
    const message = new Message(Buffer.from(text));
    assert.equal(decompress.create(decompress.config.parse({}), context).process(message), message, text);
  }
});

test('a bomb fails its message, and takes no more memory than the limit', () => {
  const bomb = zlib.gzipSync(Buffer.alloc(64 * 1024 * 1024));
  assert.ok(bomb.length < 100_000);
  const before = process.memoryUsage().arrayBuffers;
  assert.throws(() => unpack({}, bomb), invalid(/^the payload is more than 16777216 bytes once decompressed/));
  assert.throws(() => unpack({ limit: '1KiB' }, zlib.deflateSync(Buffer.alloc(1025))), invalid(/more than 1024 bytes/));
  assert.ok(process.memoryUsage().arrayBuffers - before < 48 * 1024 * 1024);
  assert.equal(unpack({ limit: '1KiB' }, zlib.deflateSync(Buffer.alloc(1024))).payload.length, 1024);
});

test('what is cut short, damaged or of another format fails', () => {
  const { payload } = pack({}, TEXT);
  const damaged = Buffer.from(payload);
  damaged.writeUInt32LE(0, damaged.length - 8);
  for (const bytes of [payload.subarray(0, -9), damaged, Buffer.from([0x1f, 0x8b])])
    assert.throws(() => unpack({}, bytes), invalid(/^the payload cannot be decompressed as gzip: /));
  assert.throws(() => unpack({ with: 'deflate' }, payload), invalid(/as deflate: incorrect header check/));
});

test('a record without a value has nothing to compress', () => {
  const tombstone = () => new Message(Buffer.alloc(0), { meta: { tombstone: true } });
  for (const made of [
    compress.create(compress.config.parse({}), context).process(tombstone()),
    decompress.create(decompress.config.parse({ with: 'gzip' }), context).process(tombstone()),
  ])
    assert.equal((made as Message).isTombstone, true);
});

test('zstd is refused where this Node.js has none, and in a payload fails the message', { skip: hasZstd }, () => {
  for (const spec of [compress, decompress])
    assert.match(
      spec.config.safeParse({ with: 'zstd' }).error?.issues[0]?.message ?? '',
      /^zstd needs Node\.js 22\.15 or later/,
    );
  assert.throws(
    () => unpack({}, Buffer.from('28b52ffd2000010000', 'hex')),
    invalid(/the payload is zstd; zstd needs Node\.js/),
  );
});

test('a limit above what a buffer can hold is as good as that', () => {
  assert.equal(unpack({ limit: '8000000GiB' }, zlib.gzipSync('x')).text, 'x');
});
