import assert from 'node:assert/strict';
import { test } from 'node:test';
import { murmur2, partitionOfKey } from '../../../src/core/partitioner.ts';

/** From org.apache.kafka.common.utils.UtilsTest. */
const VECTORS: readonly (readonly [string, number])[] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
];

for (const [key, hash] of VECTORS) {
  test(`murmur2 of ${key} is the number that Kafka's own client gets`, () => {
    assert.equal(murmur2(Buffer.from(key)), hash);
  });
}

test('a key of bytes over 127 and one given as text land in the same partition', () => {
  const key = 'schlüssel-☃';
  assert.equal(partitionOfKey(key, 64), partitionOfKey(Buffer.from(key), 64));
});

test('the partition is the hash without its sign, modulo the partitions', () => {
  for (const [key, hash] of VECTORS) assert.equal(partitionOfKey(key, 7), (hash & 0x7fffffff) % 7);
  assert.equal(partitionOfKey('anything', 1), 0);
});
