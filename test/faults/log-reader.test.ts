import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Gap, Lane } from '../../src/core/log.ts';
import { pass, records, until } from './log-fixture.ts';
import { LogRig } from './log-rig.ts';

test('the reader on a Kafka that fails', { timeout: 300_000 }, async (t) => {
  const rig = await LogRig.start(t, 'reader');
  if (rig === undefined) return;
  const { log } = rig;

  /** Writes rising numbers, ten at a time, until it is stopped; resolves with how many are stored. */
  const startLoad = (lane: Lane, pause: number) => {
    let isOn = true;
    let count = 0;
    const done = (async () => {
      while (isOn) {
        const messages = records(count, 10).map((message, at) => message.derive({ key: `k${(count + at) % 20}` }));
        assert.deepEqual(await lane.send(messages), []);
        count += 10;
        await pass(pause);
      }
      return count;
    })();
    const stop = () => {
      isOn = false;
      return done;
    };
    return { stop, count: () => count };
  };

  await t.test('a reader is live without a group, for which it would have to wait', async () => {
    const topic = await rig.createTopic(3);
    const reader = log.reader({ topics: [topic], from: 'latest' });
    await reader.live;
    const { groups } = await rig.asAdmin((admin) => admin.listGroups());
    assert.deepEqual(groups, []);
    await reader.close();
  });

  await t.test('a broker that freezes for 15 s causes no gap and no repetition', async (t) => {
    const topic = await rig.createTopic(3);
    const lane = rig.lane(topic);
    const reader = log.reader({ topics: [topic], from: 'latest' });
    const seen: number[] = [];
    await reader.live;
    reader.batches$.subscribe(({ messages }) => {
      for (const { text } of messages) seen.push(Number(text));
    });
    const load = startLoad(lane, 18);
    await pass(500);
    rig.freeze(t);
    await pass(15_000);
    rig.thaw();
    const before = load.count();
    await until(() => load.count() > before + 2_000, 30_000, 'load after the freeze');
    const total = await load.stop();
    await until(() => seen.length >= total, 30_000, `${seen.length} of ${total} records`);
    assert.equal(seen.length, total);
    assert.equal(new Set(seen).size, total);
    await reader.close();
  });

  await t.test('a partition that is added under load is read from its first record', async () => {
    const topic = await rig.createTopic(1);
    const lane = rig.lane(topic);
    const reader = log.reader({ topics: [topic], from: 'latest' });
    const seen: number[] = [];
    reader.batches$.subscribe(({ messages }) => {
      for (const { text } of messages) seen.push(Number(text));
    });
    await reader.live;
    const load = startLoad(lane, 18);
    await pass(500);
    await log.admin.addPartitions(topic, 4);
    await pass(9_000);
    const total = await load.stop();
    await until(() => seen.length >= total, 30_000, 'all records');
    assert.equal(new Set(seen).size, total);
    assert.equal(seen.length, total);
    assert.deepEqual([...(reader.positions().get(topic)?.keys() ?? [])].sort(), [0, 1, 2, 3]);
    await reader.close();
  });

  await t.test('records that retention removed before a paused reader are a gap with both ends', async () => {
    const topic = await rig.createTopic(1);
    const lane = rig.lane(topic);
    await lane.send(records(0, 100));
    const reader = log.reader({ topics: [topic], from: 'earliest' });
    const offsets: number[] = [];
    const gaps: Gap[] = [];
    reader.gaps$.subscribe((gap) => gaps.push(gap));
    reader.batches$.subscribe(({ messages }) => {
      for (const { offset } of messages) offsets.push(offset);
    });
    await until(() => offsets.length === 100, 10_000, 'the first hundred');
    reader.pause();
    await pass(200);
    await lane.send(records(100, 100));
    await rig.asAdmin(async (admin) => {
      // kafkajs deletes records only of topics whose metadata it has.
      await admin.fetchTopicMetadata({ topics: [topic] });
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '150' }] });
    });
    reader.resume();
    await until(() => offsets.length === 150, 10_000, 'the rest');
    assert.deepEqual(gaps, [{ topic, partition: 0, from: 100, to: 150 }]);
    assert.equal(offsets[100], 150);
    await reader.close();
  });

  await t.test('a close does not wait for a frozen broker', async (t) => {
    const topic = await rig.createTopic(1);
    const reader = log.reader({ topics: [topic], from: 'latest' });
    reader.batches$.subscribe();
    await reader.live;
    rig.freeze(t);
    await pass(300);
    const started = Date.now();
    await reader.close();
    // A fetch waits longer than that for its answer.
    assert.ok(Date.now() - started < 5_000, `took ${Date.now() - started} ms`);
  });
});
