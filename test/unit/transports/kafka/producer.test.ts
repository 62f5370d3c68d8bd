import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Producer, sequenceAfter } from '../../../../src/transports/kafka/produce/producer.ts';

test('sequence numbers go on at the remainder behind 2^31 - 1, as brokers expect', () => {
  assert.equal(sequenceAfter(0, 10), 10);
  assert.equal(sequenceAfter(2_147_483_647, 1), 0);
  assert.equal(sequenceAfter(2_147_483_640, 10), 2);
});

test('a producer numbers each partition of each topic for itself', () => {
  const producer = new Producer({ id: 1n, epoch: 0 });
  producer.stored('t', 0, 3);
  producer.stored('t', 1, 5);
  producer.stored('u', 0, 7);
  producer.stored('t', 0, 1);
  assert.deepEqual([producer.sequence('t', 0), producer.sequence('t', 1), producer.sequence('u', 0)], [4, 5, 7]);
  assert.equal(producer.sequence('u', 1), 0);
});
