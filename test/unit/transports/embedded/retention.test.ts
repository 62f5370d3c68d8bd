import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Message } from '../../../../src/core/message.ts';
import { createEmbeddedLog } from '../../../../src/transports/embedded/index.ts';
import { applyRetention } from '../../../../src/transports/embedded/records/retention.ts';
import { append, HandClock, message, onePartition, openStore, parts, readAll, temporary } from './parts.ts';

const UNLIMITED = { retention_bytes: Number.POSITIVE_INFINITY, retention_time: Number.POSITIVE_INFINITY };

describe('retention', () => {
  test('by age drops whole batches whose newest record is too old', async (t) => {
    const store = await openStore(t);
    const partition = await onePartition(store);
    await append(store, partition, [message('0', { timestamp: 100 }), message('1', { timestamp: 200 })]);
    await append(store, partition, [message('2', { timestamp: 150 }), message('3', { timestamp: 900 })]);
    await append(store, partition, [message('4', { timestamp: 100 })]);
    await applyRetention(store.records, partition, { ...UNLIMITED, retention_time: 500 }, 1_000);
    // The batch behind a younger one stays, as in Kafka: only the old end is cut.
    assert.deepEqual(
      readAll(store, partition).map(({ text }) => text),
      ['2', '3', '4'],
    );
    assert.deepEqual([partition.start, partition.end], [2, 5]);
  });

  test('by age may drop everything, and offsets go on', async (t) => {
    const store = await openStore(t);
    const partition = await onePartition(store);
    await append(store, partition, [message('0', { timestamp: 1 }), message('1', { timestamp: 2 })]);
    await applyRetention(store.records, partition, { ...UNLIMITED, retention_time: 10 }, 1_000);
    assert.deepEqual([partition.start, partition.end, partition.bytes], [2, 2, 0]);
    const next = message('2', { timestamp: 3 });
    await append(store, partition, [next]);
    assert.deepEqual(
      readAll(store, partition).map(({ offset }) => offset),
      [2],
    );
  });

  test('by bytes drops the oldest batches until the rest fits, and never the newest', async (t) => {
    const store = await openStore(t);
    const partition = await onePartition(store, { 'retention.bytes': '2500' });
    for (let at = 0; at < 300; at += 1) await append(store, partition, [new Message(Buffer.alloc(1_000, at))]);
    await applyRetention(store.records, partition, UNLIMITED, 0);
    assert.deepEqual([partition.start, partition.end], [298, 300]);
    assert.ok(partition.bytes <= 2_500);
    await append(store, partition, [new Message(Buffer.alloc(10_000))]);
    await applyRetention(store.records, partition, UNLIMITED, 0);
    assert.deepEqual([partition.start, partition.end], [300, 301]);
  });

  test('leaves a compacted topic alone, and applies to compact,delete', async (t) => {
    const store = await openStore(t);
    const partition = await onePartition(store, { 'cleanup.policy': 'compact' });
    await append(store, partition, [message('0', { key: 'k', timestamp: 1 })]);
    await applyRetention(store.records, partition, { retention_bytes: 1, retention_time: 1 }, 1_000);
    assert.equal(partition.start, 0);
    const both = (await store.createTopic('both', 1, { 'cleanup.policy': 'compact,delete' }))?.partitions[0];
    assert.ok(both !== undefined);
    await append(store, both, [message('0', { key: 'k', timestamp: 1 })]);
    await applyRetention(store.records, both, { retention_bytes: 1, retention_time: 1 }, 1_000);
    assert.equal(both.start, 1);
  });

  test('gives each partition its share of what a topic may hold, and a topic may say -1 for no limit', async (t) => {
    const store = await openStore(t);
    const topic = await store.createTopic('shared', 2, {});
    const free = await store.createTopic('free', 1, { 'retention.bytes': '-1', 'retention.ms': '-1' });
    for (const partition of [...(topic?.partitions ?? []), ...(free?.partitions ?? [])]) {
      for (let at = 0; at < 10; at += 1)
        await append(store, partition, [new Message(Buffer.alloc(1_000), { timestamp: 1 })]);
      await applyRetention(store.records, partition, { ...UNLIMITED, retention_bytes: 10_000 }, 1_000);
    }
    assert.deepEqual(
      topic?.partitions.map(({ start }) => start),
      [6, 6],
    );
    assert.deepEqual(
      free?.partitions.map(({ start }) => start),
      [0],
    );
  });

  test('does not wait for its timer when a partition outgrows its limit, and a reader that lags sees a gap', async (t) => {
    const clock = new HandClock();
    const log = createEmbeddedLog({ path: await temporary(t), clock, ...parts(), retention_bytes: 50_000 });
    await log.open();
    t.after(() => log.close());
    await log.admin.create({ name: 't', partitions: 1 });
    const reader = log.reader({ topics: ['t'], from: 'earliest' });
    await reader.live;
    const lane = log.lane('t', { retrying() {}, recovered() {}, duplicatesPossible() {} });
    for (let at = 0; at < 100; at += 1) await lane.send([new Message(Buffer.alloc(5_000, at))]);
    await log.maintain();
    const [{ earliest, latest } = { earliest: -1, latest: -1 }] = await log.admin.offsets('t');
    assert.equal(latest, 100);
    assert.ok(earliest >= 90, `the earliest offset is ${earliest}`);
    const gap = new Promise((resolve) => reader.gaps$.subscribe(resolve));
    const seen = new Promise<number>((resolve) => {
      reader.batches$.subscribe(({ messages }) => resolve(messages[0]?.offset ?? -1));
    });
    assert.deepEqual(await gap, { topic: 't', partition: 0, from: 0, to: earliest });
    assert.equal(await seen, earliest);
  });
});
