import assert from 'node:assert/strict';
import { Message } from '../../core/message.ts';
import type { Register } from './case.ts';
import {
  createAgain,
  createTopic,
  laneOf,
  numbers,
  readAll,
  record,
  records,
  store,
  texts,
  uniqueName,
} from './fixture.ts';

export function laneLimitCases(test: Register): void {
  test('takes a send that is larger than the largest record', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log, { config: { 'max.message.bytes': '50000' } });
    const messages = numbers(0, 40).map((at) => new Message(Buffer.alloc(20_000, at)));
    await store(laneOf(t, log, topic), messages);
    const stored = await readAll(t, log, topic);
    assert.deepEqual(
      stored.map(({ payload }) => payload[0]),
      numbers(0, 40),
    );
  });

  test('refuses a record without a key where the topic is compacted', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log, { config: { 'cleanup.policy': 'compact' } });
    const lane = laneOf(t, log, topic);
    const refusals = await lane.send([record('a', { key: 'a' }), record('lost'), record('b', { key: 'b' })]);
    assert.deepEqual(
      refusals.map(({ index, failure }) => [index, failure.code]),
      [[1, 'TG_RECORD_REFUSED']],
    );
    await store(lane, [record('c', { key: 'c' })]);
    assert.deepEqual(texts(await readAll(t, log, topic)), ['a', 'b', 'c']);
  });

  test('refuses every message where the topic is missing', async (t) => {
    const { log } = t;
    const refusals = await laneOf(t, log, uniqueName('missing')).send(records(2));
    assert.deepEqual(
      refusals.map(({ index, failure }) => [index, failure.code]),
      [
        [0, 'TG_TOPIC_MISSING'],
        [1, 'TG_TOPIC_MISSING'],
      ],
    );
  });

  test('has nothing to do for an empty send', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log);
    await store(laneOf(t, log, topic), []);
    assert.deepEqual(await log.admin.offsets(topic), [{ partition: 0, earliest: 0, latest: 0 }]);
  });

  test('uses partitions that were added since its last send', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log);
    const lane = laneOf(t, log, topic);
    await store(lane, records(3));
    await log.admin.addPartitions(topic, 3);
    const deadline = performance.now() + 30_000;
    const used = new Set<number>();
    while (used.size < 3) {
      assert.ok(performance.now() < deadline, `only the partitions ${[...used]} were used`);
      const messages = records(3);
      await store(lane, messages);
      for (const { partition } of messages) used.add(partition);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });

  for (const [before, after] of [
    [6, 2],
    [2, 6],
  ] as const) {
    test(`writes on where its topic is deleted and created again with ${after} partitions instead of ${before}`, async (t) => {
      const { log } = t;
      const topic = await createTopic(t, log, { partitions: before });
      const lane = laneOf(t, log, topic);
      const sendOf = (from: number) => numbers(from, from + 60).map((at) => record(String(at), { key: `k${at % 20}` }));
      await store(lane, sendOf(0));
      await createAgain(log, topic, after);
      const sent = [sendOf(60), [record('none'), record('none')], sendOf(120)];
      for (const messages of sent) await store(lane, messages);
      const stored = await readAll(t, log, topic);
      assert.equal(stored.length, 122);
      assert.ok(stored.every(({ partition }) => partition < after));
      for (const key of numbers(0, 20).map((at) => `k${at}`)) {
        const ofKey = stored.filter((message) => String(message.key) === key);
        const where = new Set(ofKey.map(({ partition }) => partition));
        // What was planned for a partition that is still there stays with it, as after partitions are added.
        if (where.size > 1) continue;
        const values = texts(ofKey).map(Number);
        assert.deepEqual(
          values,
          values.toSorted((a, b) => a - b),
        );
      }
      for (const messages of sent)
        for (const message of messages)
          assert.ok(
            stored.some(
              ({ partition, offset, text }) =>
                partition === message.partition && offset === message.offset && text === message.text,
            ),
          );
    });
  }

  test('ends with TG_LOG_UNAVAILABLE once it was abandoned', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log);
    const lane = log.lane(topic, { retrying() {}, recovered() {}, duplicatesPossible() {} });
    await store(lane, records(1));
    lane.abandon();
    await assert.rejects(lane.send(records(1)), { code: 'TG_LOG_UNAVAILABLE' });
  });
}
