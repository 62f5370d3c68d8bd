import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { Gap, Log, StartPosition } from '../../src/core/log.ts';
import type { Subject, SuiteOptions } from './log-contract.ts';
import {
  Collector,
  createAgain,
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
} from './log-fixture.ts';

const KEYS_OF_TWO = ['21', 'abc'];

export function readerContract(subject: () => Subject, options: SuiteOptions): void {
  describe('a reader', options, () => {
    test('gives batches of one partition each, in order, from the earliest record', async (t) => {
      const { log } = subject();
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
      const { log } = subject();
      const topics = [await createTopic(t, log), await createTopic(t, log)];
      for (const topic of topics) await store(laneOf(t, log, topic), [record(topic)]);
      const { seen } = await openReader(t, log, topics, 'earliest');
      assert.deepEqual(new Set(texts(await seen.atLeast(2))), new Set(topics));
    });

    test('from the latest record sees every record that is appended once it is live, and none from before', async (t) => {
      const { log } = subject();
      const topic = await createTopic(t, log, { partitions: 2 });
      const lane = laneOf(t, log, topic);
      await store(lane, records(10, { key: '21' }));
      const { seen } = await openReader(t, log, [topic], 'latest');
      await store(lane, [record('last', { key: '21' }), record('last', { key: 'abc' })]);
      assert.deepEqual(texts(await seen.atLeast(2)), ['last', 'last']);
    });

    test('misses nothing between becoming live and being subscribed to', async (t) => {
      const { log } = subject();
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
      const { log } = subject();
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
      const { log } = subject();
      const topic = await createTopic(t, log);
      await store(laneOf(t, log, topic), records(10));
      const { seen } = await openReader(t, log, [topic], { last: 3 });
      assert.deepEqual(texts(await seen.atLeast(3)), ['7', '8', '9']);
      const all = await openReader(t, log, [topic], { last: 1_000 });
      assert.equal((await all.seen.atLeast(10)).length, 10);
    });

    test('from a timestamp starts at the first record that is not older', async (t) => {
      const { log } = subject();
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
      const { log } = subject();
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
      const { log } = subject();
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
      const { log } = subject();
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
      const { log } = subject();
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
      const { log } = subject();
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
      const { log } = subject();
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
      const { log } = subject();
      const topic = uniqueName('later');
      const { seen } = await openReader(t, log, [topic], 'latest');
      await log.admin.create({ name: topic, partitions: 1, replication: 1 });
      t.after(() => log.admin.delete(topic));
      await store(laneOf(t, log, topic), records(3));
      assert.deepEqual(texts(await seen.atLeast(3)), ['0', '1', '2']);
    });

    describe('of a topic that is deleted and created again', () => recreated(subject));

    test('ends its batches when it is closed', async (t) => {
      const { log } = subject();
      const topic = await createTopic(t, log);
      const { reader, seen } = await openReader(t, log, [topic], 'earliest');
      await reader.close();
      await store(laneOf(t, log, topic), records(1));
      await pass(100);
      assert.equal(seen.isComplete, true);
      assert.equal(seen.messages.length, 0);
    });
  });
}

/** A reader with its gaps. */
async function watching(t: TestContext, log: Log, topic: string, from: StartPosition) {
  const reader = log.reader({ topics: [topic], from });
  t.after(() => reader.close());
  const gaps: Gap[] = [];
  reader.gaps$.subscribe((gap) => gaps.push(gap));
  const seen = new Collector(reader.batches$);
  await reader.live;
  return { reader, seen, gaps };
}

/** A topic with 20 records, and a reader that has read them. */
async function reading(t: TestContext, log: Log, partitions = 1) {
  const topic = await createTopic(t, log, { partitions });
  const watched = await watching(t, log, topic, 'earliest');
  await store(laneOf(t, log, topic), keyed(20, 'old'));
  await watched.seen.atLeast(20);
  return { topic, ...watched };
}

function keyed(count: number, prefix: string) {
  return numbers(0, count).map((at) => record(`${prefix}-${at}`, { key: `k${at}` }));
}

/** Waits for what the new topic got, and looks that nothing is missing, doubled or in another order. */
async function expectAll(seen: Collector, log: Log, topic: string, count: number): Promise<void> {
  const isNew = ({ text }: { text: string }) => text.startsWith('new');
  await seen.until(
    () => seen.messages.filter(isNew).length >= count,
    () => `${seen.messages.filter(isNew).length} of ${count} records of the new topic came`,
  );
  for (const { partition, latest } of await log.admin.offsets(topic))
    assert.deepEqual(offsetsOf(seen.of(partition).filter(isNew)), numbers(0, latest));
}

/** The silent case throughout: the old position is not beyond the end of the new topic, so it is never out of range. */
function recreated(subject: () => Subject): void {
  test('begins at the first record of the new one, and reports the gap once', async (t) => {
    const { log } = subject();
    const { topic, reader, seen, gaps } = await reading(t, log);
    await createAgain(log, topic);
    await store(laneOf(t, log, topic), keyed(40, 'new'));
    await expectAll(seen, log, topic, 40);
    await store(laneOf(t, log, topic), keyed(5, 'newer'));
    await expectAll(seen, log, topic, 45);
    assert.deepEqual(gaps, [{ topic, partition: 0, from: 20, to: 0, recreated: true }]);
    assert.equal(reader.positions().get(topic)?.get(0), 45);
  });

  test('begins at the first record of the new one where it did not read meanwhile', async (t) => {
    const { log } = subject();
    const { topic, reader, seen, gaps } = await reading(t, log);
    reader.pause();
    await pass(200);
    await createAgain(log, topic);
    await store(laneOf(t, log, topic), keyed(40, 'new'));
    reader.resume();
    await expectAll(seen, log, topic, 40);
    assert.deepEqual(gaps, [{ topic, partition: 0, from: 20, to: 0, recreated: true }]);
  });

  for (const [before, after] of [
    [1, 3],
    [4, 2],
  ] as const) {
    test(`begins at the first records where it had ${before} partitions and has ${after}`, async (t) => {
      const { log } = subject();
      const { topic, reader, seen, gaps } = await reading(t, log, before);
      await createAgain(log, topic, after);
      await store(laneOf(t, log, topic), keyed(60, 'new'));
      await expectAll(seen, log, topic, 60);
      assert.deepEqual(gaps.map(({ partition }) => partition).sort(), numbers(0, Math.min(before, after)));
      assert.ok(gaps.every((gap) => gap.to === 0 && gap.recreated === true));
      assert.deepEqual([...(reader.positions().get(topic)?.keys() ?? [])].sort(), numbers(0, after));
    });
  }

  test('is noticed by a reader that goes on from the checkpoint of an earlier one', async (t) => {
    const { log } = subject();
    const { topic, reader } = await reading(t, log);
    await reader.close();
    const checkpoint = reader.checkpoint();
    assert.deepEqual(checkpoint.get(topic)?.offsets, new Map([[0, 20]]));
    await createAgain(log, topic, 2);
    await store(laneOf(t, log, topic), keyed(60, 'new'));
    const { seen, gaps } = await watching(t, log, topic, { checkpoint });
    await expectAll(seen, log, topic, 60);
    assert.deepEqual(gaps, [{ topic, partition: 0, from: 20, to: 0, recreated: true }]);
  });

  test('is noticed where it is gone when the earlier reader ends and the next one begins', async (t) => {
    const { log } = subject();
    const { topic, reader } = await reading(t, log);
    await log.admin.delete(topic);
    await pass(300);
    const checkpoint = reader.checkpoint();
    await reader.close();
    const { seen, gaps } = await watching(t, log, topic, { checkpoint });
    await log.admin.create({ name: topic, partitions: 1, replication: 1 });
    await store(laneOf(t, log, topic), keyed(40, 'new'));
    await expectAll(seen, log, topic, 40);
    assert.deepEqual(gaps, [{ topic, partition: 0, from: 20, to: 0, recreated: true }]);
  });

  test('goes on behind a checkpoint of the same topic without a gap, in new partitions too', async (t) => {
    const { log } = subject();
    const { topic, reader } = await reading(t, log);
    const checkpoint = reader.checkpoint();
    await reader.close();
    await log.admin.addPartitions(topic, 2);
    const sent = keyed(30, 'later');
    await store(laneOf(t, log, topic), sent);
    const { seen, gaps } = await watching(t, log, topic, { checkpoint });
    assert.deepEqual(texts(await seen.atLeast(30)).sort(), sent.map(({ text }) => text).sort());
    assert.deepEqual(gaps, []);
  });
}
