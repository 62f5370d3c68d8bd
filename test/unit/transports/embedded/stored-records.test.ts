import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StartPosition } from '../../../../src/core/log.ts';
import { startOffset } from '../../../../src/transports/embedded/fetch/start-offset.ts';
import type { Store } from '../../../../src/transports/embedded/records/store.ts';
import type { PartitionState } from '../../../../src/transports/embedded/records/topic-state.ts';
import { append, message, onePartition, openStore } from './parts.ts';

/** Stores so many batches of two records; the records of batch n have the timestamps 100 n + 1 and 100 n + 2. */
async function written(store: Store, partition: PartitionState, batches: number): Promise<void> {
  for (let batch = 0; batch < batches; batch += 1)
    await append(
      store,
      partition,
      [1, 2].map((at) => message('x'.repeat(100), { timestamp: batch * 100 + at })),
    );
}

test('a search by time finds the first record that is not older, however many batches are in front of it', async (t) => {
  const store = await openStore(t);
  const partition = await onePartition(store);
  await written(store, partition, 150);
  const find = (timestamp: number) => startOffset(store.records, partition, { timestamp });
  for (const [timestamp, offset] of [
    [0, 0],
    [1, 0],
    [2, 1],
    [3, 2],
    [6_301, 126],
    [6_302, 127],
    [6_303, 128],
    [14_902, 299],
    [14_903, 300],
  ] as const)
    assert.equal(await find(timestamp), offset, `${timestamp}`);
});

test('a search by time ends where the partition does, also where more is stored that is not shown yet', async (t) => {
  const store = await openStore(t);
  const partition = await onePartition(store);
  assert.equal(await startOffset(store.records, partition, { timestamp: 0 }), 0);
  await written(store, partition, 3);
  partition.end = 4;
  assert.equal(await startOffset(store.records, partition, { timestamp: 201 }), 4);
  assert.equal(await startOffset(store.records, partition, { timestamp: 101 }), 2);
});

test('a long search leaves a turn to others after each 64 batches', async (t) => {
  const store = await openStore(t);
  const partition = await onePartition(store);
  await written(store, partition, 200);
  let turns = 0;
  let isFound = false;
  const count = () => {
    turns += 1;
    if (!isFound) setImmediate(count);
  };
  setImmediate(count);
  await startOffset(store.records, partition, { timestamp: 1e9 });
  isFound = true;
  assert.ok(turns >= 3, `${turns} turns`);
});

test('a position is an offset of its own partition, or where that begins or ends', async (t) => {
  const store = await openStore(t);
  const partition = await onePartition(store);
  await written(store, partition, 5);
  partition.start = 2;
  const at = (from: StartPosition) => startOffset(store.records, partition, from);
  assert.deepEqual([await at('earliest'), await at('latest')], [2, 10]);
  assert.deepEqual([await at({ last: 3 }), await at({ last: 8 }), await at({ last: 9 })], [7, 2, 2]);
  assert.deepEqual(
    [await at({ offsets: { t: { 0: 99 } } }), await at({ offsets: { t: { 1: 5 } } }), await at({ offsets: { o: {} } })],
    [99, 10, 10],
  );
  const checkpoint = (topic: string, index: number) =>
    at({ checkpoint: new Map([[topic, { id: '1', offsets: new Map([[index, 6]]) }]]) });
  assert.deepEqual([await checkpoint('t', 0), await checkpoint('t', 1), await checkpoint('o', 0)], [6, 2, 2]);
});

test('a read ends at its limits of records and bytes, and goes on where it ended', async (t) => {
  const store = await openStore(t);
  const partition = await onePartition(store);
  await written(store, partition, 5);
  const read = (from: number, records: number, bytes: number) => {
    const { messages, next } = store.records.read(partition, from, { records, bytes });
    return [messages.map(({ offset }) => offset), next];
  };
  const size = partition.bytes / 5;
  assert.deepEqual(read(0, 3, 1e9), [[0, 1, 2], 3]);
  assert.deepEqual(read(3, 2, 1e9), [[3, 4], 5]);
  assert.deepEqual(read(0, 100, 2 * size), [[0, 1, 2, 3], 4]);
  assert.deepEqual(read(0, 100, 2 * size - 1), [[0, 1], 2]);
  assert.deepEqual(read(1, 100, 1), [[1], 2], 'one batch in any case');
  assert.deepEqual(read(10, 100, 1e9), [[], 10]);
  partition.end = 4;
  assert.deepEqual(read(0, 100, 1e9), [[0, 1, 2, 3], 4], 'what is not shown yet is not read');
});
