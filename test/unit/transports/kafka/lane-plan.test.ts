import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Message } from '../../../../src/core/message.ts';
import { compressorOf } from '../../../../src/transports/kafka/compression/compression.ts';
import { endOfRequest, isTooLarge, plan } from '../../../../src/transports/kafka/produce/lane-plan.ts';
import { PartitionQueue } from '../../../../src/transports/kafka/produce/partition-queue.ts';
import { Producer } from '../../../../src/transports/kafka/produce/producer.ts';

const NOW = 1_760_000_000_000;
const message = (bytes: number, key: string | null = null) => new Message(Buffer.alloc(bytes, 'x'), { key });

test('messages without a key of one send go to one partition, keyed ones where Kafka puts them', () => {
  const planned = plan([message(1), message(1, 'key-1'), message(1), message(1, 'key-1')], 8, 5, NOW);
  assert.deepEqual(
    planned.map(({ partition }) => partition === 5),
    [true, false, true, false],
  );
  assert.equal(planned[1]?.partition, planned[3]?.partition);
});

test('requests hold at most 1,000 records and 1 MiB, in order, and no partition exceeds the limit', () => {
  const sizes = fc.array(fc.nat(40_000), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(
      sizes,
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 60_000, max: 200_000 }),
      (lengths, partitions, limit) => {
        const planned = plan(
          lengths.map((length, index) => message(length, `key-${index % 9}`)),
          partitions,
          0,
          NOW,
        );
        const producer = new Producer({ id: 1n, epoch: 0 });
        let from = 0;
        while (from < planned.length) {
          const end = endOfRequest(planned, from, limit);
          assert.ok(end > from && end - from <= 1_000);
          let total = 0;
          for (const queue of PartitionQueue.of(planned, from, end)) {
            queue.number(producer, 't');
            assert.ok(queue.bytes.length <= limit);
            total += queue.bytes.length;
          }
          assert.ok(total <= 1_048_576 + partitions * 61);
          from = end;
        }
        assert.equal(from, planned.length);
      },
    ),
    { numRuns: 30 },
  );
});

test('2,500 small records take three requests', () => {
  const planned = plan(
    Array.from({ length: 2_500 }, () => message(10)),
    1,
    0,
    NOW,
  );
  const ends: number[] = [];
  for (let from = 0; from < planned.length; from = ends.at(-1) as number)
    ends.push(endOfRequest(planned, from, 1_048_588));
  assert.deepEqual(ends, [1_000, 2_000, 2_500]);
});

test('a record counts as too large by its exact size, not by an estimate', () => {
  const [planned] = plan([message(1_000)], 1, 0, NOW);
  assert.ok(planned !== undefined);
  const [queue] = PartitionQueue.of([planned], 0, 1);
  queue?.number(new Producer({ id: 1n, epoch: 0 }), 't');
  const exact = queue?.bytes.length as number;
  assert.equal(isTooLarge(planned, exact), false);
  assert.equal(isTooLarge(planned, exact - 1), true);
});

test('a record that is sent compressed counts as too large by what is sent, and goes alone', () => {
  const planned = plan([message(10), message(50_000), message(10)], 1, 0, NOW);
  const limit = 1_000;
  const [, large] = planned;
  assert.ok(large !== undefined);
  assert.equal(isTooLarge(large, limit), true);
  assert.equal(isTooLarge(large, limit, compressorOf('lz4')), false);
  assert.equal(endOfRequest(planned, 1, limit), 2);
});

test('a compressed batch goes out as the very same bytes until it is settled', () => {
  let packed = 0;
  const counting = { codec: 1, pack: () => Buffer.alloc(++packed) };
  const [queue] = PartitionQueue.of(plan([message(5_000)], 1, 0, NOW), 0, 1);
  queue?.number(new Producer({ id: 1n, epoch: 0 }), 't', counting);
  assert.equal(queue?.bytes, queue?.bytes);
  assert.equal(queue?.isNumbered, true);
  assert.equal(packed, 1);
  assert.equal(queue?.bytes.length, 62);
});

test('halves of a refused batch keep the order, and each is numbered when its turn comes', () => {
  const planned = plan([message(1), message(2), message(3)], 1, 0, NOW);
  const [queue] = PartitionQueue.of(planned, 0, 3);
  assert.ok(queue !== undefined);
  const producer = new Producer({ id: 1n, epoch: 0 });
  queue.number(producer, 't');
  queue.halve();
  assert.equal(queue.isNumbered, false);
  assert.deepEqual(
    queue.head.map(({ index }) => index),
    [0],
  );
  queue.number(producer, 't');
  queue.stored('t', 40);
  assert.deepEqual(
    queue.head.map(({ index }) => index),
    [1, 2],
  );
  assert.equal(planned[0]?.record.message.offset, 40);
  assert.equal(producer.sequence('t', 0), 1);
  queue.takeHead();
  assert.equal(queue.isEmpty, true);
});
