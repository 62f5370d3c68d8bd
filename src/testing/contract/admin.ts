import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { Message } from '../../core/message.ts';
import type { Register } from './case.ts';
import {
  ackAll,
  createTopic,
  eventually,
  Joined,
  laneOf,
  numbers,
  readAll,
  record,
  records,
  store,
  texts,
  uniqueName,
} from './fixture.ts';

export function adminCases(test: Register): void {
  test('creates, lists, describes and deletes topics', async (t) => {
    const { log } = t;
    const name = await createTopic(t, log, { partitions: 3, config: { 'max.message.bytes': '60000' } });
    assert.equal((await log.admin.topics()).get(name), (await log.admin.describe(name))?.partitions);
    assert.deepEqual(await log.admin.describe(name), { name, partitions: 3, maxMessageBytes: 60_000 });
    assert.deepEqual(
      await log.admin.offsets(name),
      numbers(0, 3).map((partition) => ({ partition, earliest: 0, latest: 0 })),
    );
    await log.admin.delete(name);
    await eventually(async () => !(await log.admin.topics()).has(name), 'the topic is gone');
    assert.equal(await log.admin.describe(name), undefined);
  });

  test('reports that a topic takes records of about 1 MiB where no limit is set', async (t) => {
    const { log } = t;
    const described = await log.admin.describe(await createTopic(t, log));
    assert.ok(described !== undefined && Math.abs(described.maxMessageBytes - 1_048_576) < 1_000);
  });

  test('knows nothing of a topic that is missing', async (t) => {
    const { log } = t;
    const name = uniqueName('missing');
    assert.equal(await log.admin.describe(name), undefined);
    await assert.rejects(log.admin.offsets(name), { code: 'TG_TOPIC_MISSING' });
    await assert.rejects(log.admin.delete(name), { code: 'TG_TOPIC_MISSING' });
    assert.deepEqual(await log.admin.committed(uniqueName('group'), name), new Map());
  });

  test('sets what a group has committed, and forgets it, while the group has no members', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log, { partitions: 2 });
    const group = uniqueName('group');
    await store(laneOf(t, log, topic), records(5));
    await log.admin.setCommitted(group, topic, new Map([[0, 1]]));
    await log.admin.setCommitted(group, topic, new Map([[1, 2]]));
    const both = new Map([
      [0, 1],
      [1, 2],
    ]);
    await eventually(async () => isDeepStrictEqual(await log.admin.committed(group, topic), both), 'both are set');
    await log.admin.deleteGroup(group);
    assert.deepEqual(await log.admin.committed(group, topic), new Map());
    await log.admin.deleteGroup(group);
    const joined = new Joined(t, log, { group, topics: [topic], from: 'earliest' }, ackAll);
    await joined.owns(2);
    await assert.rejects(log.admin.setCommitted(group, topic, new Map([[0, 1]])), { code: 'TG_GROUP_FAILED' });
    await assert.rejects(log.admin.deleteGroup(group), { code: 'TG_GROUP_FAILED' });
  });

  test('has a name for the cluster that stays', async (t) => {
    const { log } = t;
    const id = await log.admin.clusterId();
    assert.notEqual(id, '');
    assert.equal(await log.admin.clusterId(), id);
  });

  test('creates no topic twice', async (t) => {
    const { log } = t;
    const name = await createTopic(t, log);
    assert.equal(await log.admin.create({ name, partitions: 5, replication: 1 }), false);
    assert.equal((await log.admin.describe(name))?.partitions, 1);
  });

  test('refuses names and settings that Kafka refuses', async (t) => {
    const { log } = t;
    for (const name of ['', '.', '..', 'white space', 'a/b', 'ü', 'x'.repeat(250)]) {
      await assert.rejects(
        log.admin.create({ name, partitions: 1, replication: 1 }),
        { code: 'TG_TOPIC_INVALID' },
        name,
      );
    }
    const name = uniqueName('invalid');
    const config = { 'cleanup.policy': 'shred' };
    await assert.rejects(log.admin.create({ name, partitions: 1, replication: 1, config }), {
      code: 'TG_TOPIC_INVALID',
    });
    assert.equal(await log.admin.describe(name), undefined);
  });

  test('adds partitions, and only adds', async (t) => {
    const { log } = t;
    const name = await createTopic(t, log);
    await store(laneOf(t, log, name), records(2));
    await log.admin.addPartitions(name, 4);
    await eventually(async () => (await log.admin.describe(name))?.partitions === 4, 'there are four partitions');
    const [first, ...added] = await log.admin.offsets(name);
    assert.deepEqual(first, { partition: 0, earliest: 0, latest: 2 });
    assert.deepEqual(
      added.map(({ latest }) => latest),
      [0, 0, 0],
    );
    await assert.rejects(log.admin.addPartitions(name, 2), { code: 'TG_TOPIC_INVALID' });
  });

  test('returns nothing for what no group has committed', async (t) => {
    const { log } = t;
    assert.deepEqual(await log.admin.committed(uniqueName('group'), await createTopic(t, log)), new Map());
  });

  test('begins anew when a topic is created again', async (t) => {
    const { log } = t;
    const name = await createTopic(t, log);
    await store(laneOf(t, log, name), records(3));
    await log.admin.delete(name);
    // Kafka takes its time to forget a topic.
    await eventually(
      () => log.admin.create({ name, partitions: 1, replication: 1 }).catch(() => false),
      'created again',
    );
    const [fresh] = records(1);
    assert.ok(fresh !== undefined);
    await store(laneOf(t, log, name), [fresh]);
    assert.equal(fresh.offset, 0);
    assert.equal((await readAll(t, log, name)).length, 1);
  });

  test('keeps the last record of each key, at its offset, where the topic is compacted', async (t) => {
    const { log, under } = t;
    if (under.compact === undefined) return t.skip('this log cannot be made to compact now');
    const name = await createTopic(t, log, { config: { 'cleanup.policy': 'compact', 'delete.retention.ms': '0' } });
    const lane = laneOf(t, log, name);
    for (let round = 0; round < 5; round += 1) {
      await store(
        lane,
        ['a', 'b', 'c'].map((key) => record(`${key}${round}`, { key })),
      );
    }
    await store(lane, [
      new Message(Buffer.alloc(0), { key: 'b', meta: { tombstone: true }, timestamp: Date.now() - 1_000 }),
    ]);
    await under.compact(name);
    const [{ earliest, latest } = { earliest: -1, latest: -1 }] = await log.admin.offsets(name);
    assert.equal(latest, 16);
    const reader = log.reader({ topics: [name], from: 'earliest' });
    t.after(() => reader.close());
    const kept: Message[] = [];
    reader.batches$.subscribe(({ messages }) => kept.push(...messages));
    await eventually(async () => reader.positions().get(name)?.get(0) === 16, 'the reader is at the end');
    assert.ok(earliest <= 12);
    const last = kept.filter(({ meta }) => meta.tombstone !== true);
    assert.deepEqual(
      last.map(({ text, offset }) => [text, offset]),
      [
        ['a4', 12],
        ['c4', 14],
      ],
    );
    await store(lane, [record('d', { key: 'd' })]);
    await eventually(async () => kept.at(-1)?.offset === 16, 'the record behind arrives');
  });

  test('drops the oldest records where the topic holds too many bytes', async (t) => {
    const { log, under } = t;
    if (under.expire === undefined) return t.skip('this log cannot be made to apply retention now');
    const config = { 'retention.bytes': '50000', 'segment.bytes': '20000' };
    const name = await createTopic(t, log, { config });
    const lane = laneOf(t, log, name);
    for (let send = 0; send < 20; send += 1) await store(lane, [new Message(Buffer.alloc(10_000, send))]);
    await under.expire(name);
    const [{ earliest, latest } = { earliest: -1, latest: -1 }] = await log.admin.offsets(name);
    assert.equal(latest, 20);
    assert.ok(earliest >= 10 && earliest < 20, `the earliest offset is ${earliest}`);
    const stored = await readAll(t, log, name);
    assert.deepEqual(
      stored.map(({ payload }) => payload[0]),
      numbers(earliest, 20),
    );
    const texted = records(1);
    await store(lane, texted);
    assert.deepEqual(texts(texted), ['0']);
    assert.equal(texted[0]?.offset, 20);
  });
}
