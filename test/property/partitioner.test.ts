import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import { murmur2, partitionOfKey } from '../../src/core/partitioner.ts';

const kafkajsMurmur2 = createRequire(import.meta.url)('kafkajs/src/producer/partitioners/default/murmur2.js') as (
  key: Buffer,
) => number;

test('any key has the hash that kafkajs computes in 64 bits', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const key = Buffer.from(bytes);
      assert.equal(murmur2(key), Number(kafkajsMurmur2(key)) | 0);
    }),
    { numRuns: 2_000 },
  );
});

test('a key has one of the partitions, and always the same', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 1_000 }), (key, partitions) => {
      const partition = partitionOfKey(key, partitions);
      assert.ok(Number.isInteger(partition) && partition >= 0 && partition < partitions);
      assert.equal(partitionOfKey(Buffer.from(key), partitions), partition);
    }),
  );
});
