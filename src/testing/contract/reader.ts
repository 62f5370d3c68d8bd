import assert from 'node:assert/strict';
import type { Gap } from '../../core/log.ts';
import type { Register } from './case.ts';
import {
  Collector,
  createTopic,
  laneOf,
  numbers,
  offsetsOf,
  openReader,
  pass,
  record,
  records,
  store,
  texts,
  uniqueName,
} from './fixture.ts';

const KEYS_OF_TWO = ['21', 'abc'];

export function readerCases(test: Register): void {
  test('gives batches of one partition each, in order, from the earliest record', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log, { partitions: 2 });
    const lane = laneOf(t, log, topic);
    for (let send = 0; send < 5; send += 1) {
      await store(
        lane,
        numbers(0, 10).map((at) => record(String(send), { key: KEYS_OF_TWO[at % 2] as string })),
      );
    }
    const { seen } = await openReader(t, log, [topic], 'earliest');
    await seen.atLeast(50);
    assert.ok(seen.batches.every(({ messages }) => new Set(messages.map(({ partition }) => partition)).size === 1));
    for (const partition of [0, 1]) assert.deepEqual(offsetsOf(seen.of(partition)), numbers(0, 25));
    assert.ok(seen.messages.every((message) => message.topic === topic));
  });

  test('reads several topics', async (t) => {
    const { log } = t;
    const topics = [await createTopic(t, log), await createTopic(t, log)];
    for (const topic of topics) await store(laneOf(t, log, topic), [record(topic)]);
    const { seen } = await openReader(t, log, topics, 'earliest');
    assert.deepEqual(new Set(texts(await seen.atLeast(2))), new Set(topics));
  });

  test('from the latest record sees every record that is appended once it is live, and none from before', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log, { partitions: 2 });
    const lane = laneOf(t, log, topic);
    await store(lane, records(10, { key: '21' }));
    const { seen } = await openReader(t, log, [topic], 'latest');
    await store(lane, [record('last', { key: '21' }), record('last', { key: 'abc' })]);
    assert.deepEqual(texts(await seen.atLeast(2)), ['last', 'last']);
  });

  test('misses nothing between becoming live and being subscribed to', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log);
    const lane = laneOf(t, log, topic);
    await store(lane, records(2));
    const reader = log.reader({ topics: [topic], from: 'latest' });
    t.after(() => reader.close());
    await reader.live;
    await store(lane, records(3, {}, 2));
    const seen = new Collector(reader.batches$);
    assert.deepEqual(texts(await seen.atLeast(3)), ['2', '3', '4']);
  });

  test('misses nothing of a topic that is written to while it starts', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log);
    const lane = laneOf(t, log, topic);
    let isWriting = true;
    let firstAfterLive: number | undefined;
    let isLive = false;
    const writing = (async () => {
      for (let sent = 0; isWriting || sent < 50; sent += 1) {
        if (isLive) firstAfterLive ??= sent;
        await store(lane, [record(String(sent))]);
      }
    })();
    const { seen } = await openReader(t, log, [topic], 'latest');
    isLive = true;
    await seen.atLeast(30);
    isWriting = false;
    await writing;
    const [{ latest = 0 } = {}] = await log.admin.offsets(topic);
    await seen.until(() => seen.messages.at(-1)?.offset === latest - 1);
    const offsets = offsetsOf(seen.messages);
    assert.deepEqual(offsets, numbers(offsets[0] ?? 0, latest));
    assert.ok((offsets[0] ?? 0) <= (firstAfterLive ?? 0));
  });

  test('from the last records starts so many before the end', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log);
    await store(laneOf(t, log, topic), records(10));
    const { seen } = await openReader(t, log, [topic], { last: 3 });
    assert.deepEqual(texts(await seen.atLeast(3)), ['7', '8', '9']);
    const all = await openReader(t, log, [topic], { last: 1_000 });
    assert.equal((await all.seen.atLeast(10)).length, 10);
  });

  test('from a timestamp starts at the first record that is not older', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log);
    const lane = laneOf(t, log, topic);
    const start = Date.now() - 60_000;
    const at = (index: number) => record(String(index), { timestamp: start + index * 1_000 });
    await store(lane, numbers(0, 10).map(at));
    await store(lane, numbers(10, 20).map(at));
    const { seen } = await openReader(t, log, [topic], { timestamp: start + 4_500 });
    assert.deepEqual(texts(await seen.atLeast(15)), numbers(5, 20).map(String));
    const later = await openReader(t, log, [topic], { timestamp: start + 60_000_000 });
    await store(lane, [record('new')]);
    assert.deepEqual(texts(await later.seen.atLeast(1)), ['new']);
  });

  test('from given offsets starts there, and at the latest record where a partition is left out', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log, { partitions: 2 });
    const lane = laneOf(t, log, topic);
    for (const key of KEYS_OF_TWO) await store(lane, records(5, { key }));
    const { seen } = await openReader(t, log, [topic], { offsets: { [topic]: { 0: 2 } } });
    await store(
      lane,
      KEYS_OF_TWO.map((key) => record('new', { key })),
    );
    await seen.atLeast(5);
    assert.deepEqual(offsetsOf(seen.of(0)), [2, 3, 4, 5]);
    assert.deepEqual(offsetsOf(seen.of(1)), [5]);
  });

  test('knows its positions, and another one goes on from them without loss or repetition', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log, { partitions: 2 });
    const lane = laneOf(t, log, topic);
    await store(lane, records(4, { key: KEYS_OF_TWO[0] as string }));
    const first = await openReader(t, log, [topic], 'earliest');
    await first.seen.atLeast(4);
    assert.deepEqual(
      first.reader.positions(),
      new Map([
        [
          topic,
          new Map([
            [0, 4],
            [1, 0],
          ]),
        ],
      ]),
    );
    await first.reader.close();
    assert.equal(first.seen.isComplete, true);
    const positions = first.reader.positions().get(topic) ?? new Map<number, number>();
    await store(
      lane,
      KEYS_OF_TWO.map((key) => record('later', { key })),
    );
    const second = await openReader(t, log, [topic], { offsets: { [topic]: Object.fromEntries(positions) } });
    await second.seen.atLeast(2);
    assert.deepEqual([offsetsOf(second.seen.of(0)), offsetsOf(second.seen.of(1))], [[4], [0]]);
  });

  test('holds while it is paused and goes on where it was', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log);
    const lane = laneOf(t, log, topic);
    const { reader, seen } = await openReader(t, log, [topic], 'earliest');
    await store(lane, records(3));
    await seen.atLeast(3);
    reader.pause();
    await pass(200);
    await store(lane, records(3, {}, 3));
    await pass(400);
    assert.equal(seen.messages.length, 3);
    reader.resume();
    assert.deepEqual(offsetsOf(await seen.atLeast(6)), numbers(0, 6));
  });

  test('sees every record, however many readers there are', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log, { partitions: 3 });
    const readers = [await openReader(t, log, [topic], 'earliest'), await openReader(t, log, [topic], 'latest')];
    await store(
      laneOf(t, log, topic),
      numbers(0, 90).map((at) => record(String(at), { key: `k${at}` })),
    );
    for (const { seen } of readers) {
      const all = texts(await seen.atLeast(90)).map(Number);
      assert.deepEqual(
        all.sort((a, b) => a - b),
        numbers(0, 90),
      );
    }
  });

  test('reports an offset that is out of range as a gap and goes on at the earliest record', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log);
    await store(laneOf(t, log, topic), records(5));
    const reader = log.reader({ topics: [topic], from: { offsets: { [topic]: { 0: 1_000 } } } });
    t.after(() => reader.close());
    const gaps: Gap[] = [];
    reader.gaps$.subscribe((gap) => gaps.push(gap));
    const seen = new Collector(reader.batches$);
    assert.deepEqual(offsetsOf(await seen.atLeast(5)), numbers(0, 5));
    assert.deepEqual(gaps, [{ topic, partition: 0, from: 1_000, to: 0 }]);
  });

  test('reads partitions that are added from their first record', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log);
    const { seen } = await openReader(t, log, [topic], 'latest');
    await log.admin.addPartitions(topic, 3);
    const lane = laneOf(t, log, topic);
    const sent = numbers(0, 30).map((at) => record(String(at), { key: `k${at}` }));
    await store(lane, sent);
    await seen.atLeast(30);
    for (const partition of numbers(0, 3)) {
      const expected = sent.filter((message) => message.partition === partition).length;
      assert.deepEqual(offsetsOf(seen.of(partition)), numbers(0, expected));
    }
  });

  test('reads a topic that is created later from its first record', async (t) => {
    const { log } = t;
    const topic = uniqueName('later');
    const { seen } = await openReader(t, log, [topic], 'latest');
    await log.admin.create({ name: topic, partitions: 1, replication: 1 });
    t.after(() => log.admin.delete(topic));
    await store(laneOf(t, log, topic), records(3));
    assert.deepEqual(texts(await seen.atLeast(3)), ['0', '1', '2']);
  });

  test('ends its batches when it is closed', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log);
    const { reader, seen } = await openReader(t, log, [topic], 'earliest');
    await reader.close();
    await store(laneOf(t, log, topic), records(1));
    await pass(100);
    assert.equal(seen.isComplete, true);
    assert.equal(seen.messages.length, 0);
  });
}
