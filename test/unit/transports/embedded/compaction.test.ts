import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Message } from '../../../../src/core/message.ts';
import { compact } from '../../../../src/transports/embedded/records/compaction.ts';
import { append, message, onePartition, openStore, readAll } from './parts.ts';

const COMPACT = { 'cleanup.policy': 'compact' };

describe('compaction', () => {
  test('leaves the last record of each key, at its offset, whatever the batches were', async (t) => {
    const store = await openStore(t);
    let topics = 0;
    const batches = fc.array(fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 8 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(batches, async (written) => {
        const partition = (await store.createTopic(`t${topics++}`, 1, COMPACT))?.partitions[0];
        assert.ok(partition !== undefined);
        const last = new Map<number, number>();
        let offset = 0;
        for (const keys of written) {
          await append(
            store,
            partition,
            keys.map((key) => message(`${key}`, { key: `k${key}` })),
          );
          for (const key of keys) last.set(key, offset++);
        }
        await compact(store.records, partition, Date.now(), true);
        const expected = [...last].map(([key, at]) => [at, `${key}`]).sort(([a], [b]) => Number(a) - Number(b));
        assert.deepEqual(
          readAll(store, partition).map((one) => [one.offset, one.text]),
          expected,
        );
        assert.equal(partition.end, offset);
      }),
      { numRuns: 40 },
    );
  });

  test('counts what comes while it runs for the next one', async (t) => {
    const store = await openStore(t);
    const partition = await onePartition(store, COMPACT);
    const put = () => append(store, partition, [message('1', { key: 'a' }), message('2', { key: 'b' })]);
    await put();
    const bytes = store.records.dirtyBytes(partition);
    const compacted = compact(store.records, partition, Date.now(), true);
    await put();
    await compacted;
    assert.equal(store.records.dirtyBytes(partition), bytes);
    await compact(store.records, partition, Date.now(), true);
    assert.equal(store.records.dirtyBytes(partition), 0);
    assert.deepEqual(
      readAll(store, partition).map(({ offset }) => offset),
      [2, 3],
    );
  });

  test('keeps a tombstone for as long as the topic says, then takes it out too', async (t) => {
    const store = await openStore(t);
    const partition = await onePartition(store, { ...COMPACT, 'delete.retention.ms': '1000' });
    await append(store, partition, [
      message('1', { key: 'a', timestamp: 5_000 }),
      message('1', { key: 'b', timestamp: 5_000 }),
    ]);
    const tombstone = new Message(Buffer.alloc(0), { key: 'a', meta: { tombstone: true }, timestamp: 6_000 });
    await append(store, partition, [tombstone]);
    await compact(store.records, partition, 6_500, true);
    assert.deepEqual(
      readAll(store, partition).map(({ offset }) => offset),
      [1, 2],
    );
    await append(store, partition, [message('1', { key: 'c', timestamp: 7_500 })]);
    await compact(store.records, partition, 7_500, true);
    assert.deepEqual(
      readAll(store, partition).map(({ offset }) => offset),
      [1, 3],
    );
  });

  test('waits until enough has come since the last time', async (t) => {
    const store = await openStore(t);
    const partition = await onePartition(store, { ...COMPACT, 'min.cleanable.dirty.ratio': '0.5' });
    const write = (count: number, key: (at: number) => string) =>
      append(
        store,
        partition,
        Array.from({ length: count }, (_, at) => message('x', { key: key(at) })),
      );
    await write(100, (at) => `k${at}`);
    await compact(store.records, partition, Date.now(), false);
    await write(10, (at) => `k${at}`);
    await compact(store.records, partition, Date.now(), false);
    assert.equal(readAll(store, partition).length, 110);
    await write(100, (at) => `k${at}`);
    await compact(store.records, partition, Date.now(), false);
    assert.equal(readAll(store, partition).length, 100);
  });

  test('leaves topics alone whose policy is delete', async (t) => {
    const store = await openStore(t);
    const partition = await onePartition(store);
    await append(store, partition, [message('1', { key: 'a' }), message('2', { key: 'a' })]);
    await compact(store.records, partition, Date.now(), true);
    assert.equal(readAll(store, partition).length, 2);
  });

  test('gives back the room of what it takes out', async (t) => {
    const store = await openStore(t);
    const partition = await onePartition(store, COMPACT);
    for (let at = 0; at < 200; at += 1) await append(store, partition, [message('x'.repeat(1_000), { key: 'a' })]);
    const before = partition.bytes;
    await compact(store.records, partition, Date.now(), true);
    assert.equal(partition.bytes, before / 200);
  });
});
