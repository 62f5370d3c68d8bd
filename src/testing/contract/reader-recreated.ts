import assert from 'node:assert/strict';
import type { Gap, Log, StartPosition } from '../../core/log.ts';
import type { CaseContext, Register } from './case.ts';
import {
  Collector,
  createAgain,
  createTopic,
  laneOf,
  numbers,
  offsetsOf,
  pass,
  record,
  store,
  texts,
} from './fixture.ts';

/** A reader with its gaps. */
async function watching(t: CaseContext, log: Log, topic: string, from: StartPosition) {
  const reader = log.reader({ topics: [topic], from });
  t.after(() => reader.close());
  const gaps: Gap[] = [];
  reader.gaps$.subscribe((gap) => gaps.push(gap));
  const seen = new Collector(reader.batches$);
  await reader.live;
  return { reader, seen, gaps };
}

/** A topic with 20 records, and a reader that has read them. */
async function reading(t: CaseContext, log: Log, partitions = 1) {
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
export function recreatedTopicReaderCases(test: Register): void {
  test('begins at the first record of the new one, and reports the gap once', async (t) => {
    const { log } = t;
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
    const { log } = t;
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
      const { log } = t;
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
    const { log } = t;
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
    const { log } = t;
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
    const { log } = t;
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
