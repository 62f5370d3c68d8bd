import assert from 'node:assert/strict';
import type { Register } from './case.ts';
import { Collector, createTopic, eventually, laneOf, numbers, pass, record, records, store, texts } from './fixture.ts';

/** Milliseconds after which nothing comes any more of a partition that a reader has left. */
const LEFT = 300;

/** Records of so many keys that each partition has many. */
const keyed = (from: number, to: number) => numbers(from, to).map((n) => record(String(n), { key: `k${n}` }));

/** Readers of some partitions, and those that are closed soon. */
export function readerPartsCases(test: Register): void {
  test('reads the partitions that it is for and no others, from the offset of each', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log, { partitions: 3 });
    const lane = laneOf(t, log, topic);
    await store(lane, keyed(0, 100));
    const reader = log.reader({ topics: [topic], from: { offsets: { [topic]: { 0: 4, 2: 7 } } }, partitions: [0, 2] });
    t.after(() => reader.close());
    const seen = new Collector(reader.batches$);
    await reader.live;
    await seen.atLeast(9);
    await log.admin.addPartitions(topic, 4);
    await store(lane, keyed(100, 200));
    const ends = await log.admin.offsets(topic);
    const isRead = (partition: number) =>
      (reader.positions().get(topic)?.get(partition) ?? 0) >= (ends[partition]?.latest ?? 0);
    await eventually(async () => isRead(0) && isRead(2), 'all is read');
    assert.deepEqual(new Set(seen.messages.map(({ partition }) => partition)), new Set([0, 2]));
    assert.deepEqual([...(reader.positions().get(topic)?.keys() ?? [])].sort(), [0, 2]);
    const first = (partition: number) => seen.messages.find((message) => message.partition === partition)?.offset;
    assert.deepEqual([first(0), first(2)], [4, 7]);
  });

  test('reads a partition that it has left no further, and the others on', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log, { partitions: 2 });
    const reader = log.reader({ topics: [topic], from: 'earliest', isBrief: true });
    t.after(() => reader.close());
    const seen = new Collector(reader.batches$);
    await reader.live;
    reader.leave({ topic, partition: 1 });
    // What is being fetched may still come.
    await pass(LEFT);
    await store(laneOf(t, log, topic), keyed(0, 40));
    await seen.atLeast(1);
    await pass(LEFT);
    assert.deepEqual(new Set(seen.messages.map(({ partition }) => partition)), new Set([0]));
    assert.equal(reader.positions().get(topic)?.get(1), 0);
  });

  test('another one opens when a brief one is closed, and both read all', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log);
    await store(laneOf(t, log, topic), records(3));
    const open = () => {
      const reader = log.reader({ topics: [topic], from: 'earliest', isBrief: true });
      t.after(() => reader.close());
      return { reader, seen: new Collector(reader.batches$) };
    };
    const [first, second] = [open(), open()];
    await first.seen.atLeast(3);
    await first.reader.close();
    await store(laneOf(t, log, topic), records(3, {}, 3));
    assert.deepEqual(texts(await second.seen.atLeast(6)), ['0', '1', '2', '3', '4', '5']);
    assert.deepEqual(texts(await open().seen.atLeast(6)), ['0', '1', '2', '3', '4', '5']);
  });
}
