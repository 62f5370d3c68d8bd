import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import { Cursor, sizeOfVarint, writeUvarint, writeVarint } from '../../../../src/transports/kafka/wire/varint.ts';

const Encoder = createRequire(import.meta.url)('kafkajs/src/protocol/encoder.js');

const values = fc.oneof(
  fc.integer(),
  fc.integer({ min: -300, max: 300 }),
  fc.maxSafeInteger().map((value) => Math.trunc(value / 4) + 0),
  fc.constantFrom(0, -1, 63, 64, -64, -65, 2 ** 30 - 1, 2 ** 30, -(2 ** 30), 2 ** 31, -(2 ** 31), 2 ** 40),
);

test('a varint is written in the bytes that kafkajs writes, in the size foretold, and read back', () => {
  fc.assert(
    fc.property(values, (value) => {
      const buffer = Buffer.alloc(12);
      const end = writeVarint(buffer, value, 1);
      assert.equal(end - 1, sizeOfVarint(value));
      assert.deepEqual(buffer.subarray(1, end), new Encoder().writeVarLong(String(value)).buffer);
      const cursor = new Cursor(buffer, 1);
      assert.equal(cursor.varint(), value);
      assert.equal(cursor.at, end);
    }),
    { numRuns: 2_000 },
  );
});

test('64-bit integers are read exactly up to 2^53', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      const buffer = Buffer.alloc(8);
      buffer.writeBigInt64BE(BigInt(value));
      assert.equal(new Cursor(buffer).int64(), value);
    }),
  );
});

test('reading beyond the end throws instead of making values up', () => {
  assert.throws(() => new Cursor(Buffer.from([0x80])).varint(), RangeError);
  assert.throws(() => new Cursor(Buffer.from([0x10, 1, 2])).varbytes(), RangeError);
});

test('an unsigned varint is written in the bytes that kafkajs writes, and read back', () => {
  const lengths = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 2 ** 31 - 1 }));
  fc.assert(
    fc.property(lengths, (value) => {
      const buffer = Buffer.alloc(5);
      const end = writeUvarint(buffer, value, 0);
      assert.deepEqual(buffer.subarray(0, end), new Encoder().writeUVarInt(value).buffer);
      const cursor = new Cursor(buffer);
      assert.deepEqual([cursor.uvarint(), cursor.at], [value, end]);
    }),
  );
});
