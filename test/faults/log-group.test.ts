import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { Batch } from '../../src/core/batch.ts';
import type { GroupEvent, GroupMember, Log } from '../../src/core/log.ts';
import type { Message } from '../../src/core/message.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { requireKafkaBehindProxy } from '../services/fault-proxy.ts';
import { CountingObserver, openLog, pass, plainKafkajs, records, until } from './log-fixture.ts';

/** A member with everything it was told and given. */
class Watched {
  readonly member: GroupMember;
  readonly events: GroupEvent[] = [];
  readonly messages: Message[] = [];

  constructor(log: Log, group: string, topic: string, take: (batch: Batch) => void) {
    this.member = log.group({ group, topics: [topic], from: 'earliest', sessionTimeout: 10_000, commitInterval: 200 });
    this.member.events$.subscribe((event) => this.events.push(event));
    this.member.batches$.subscribe((batch) => {
      this.messages.push(...batch.messages);
      take(batch);
    });
  }

  get partitions(): number[] {
    const last = this.events.findLast((event) => event.type === 'assigned');
    return (last?.partitions ?? []).map(({ partition }) => partition).sort((a, b) => a - b);
  }

  owns(count: number): Promise<void> {
    return until(
      () => this.events.at(-1)?.type === 'assigned' && this.partitions.length === count,
      30_000,
      `owning ${count}`,
    );
  }
}

test('the group member on a Kafka that fails', { timeout: 300_000 }, async (t) => {
  const both = await requireKafkaBehindProxy(t);
  if (both === undefined) return;
  const { kafka, proxy } = both;
  const log = await openLog(t, kafka.brokers);
  const create = async (partitions: number) => {
    const topic = uniqueTopic('group');
    await log.admin.create({ name: topic, partitions });
    return topic;
  };
  /** Numbers from 0 spread over all partitions by key. */
  const fill = async (topic: string, count: number, from = 0) => {
    const messages = records(from, count).map((message) => message.derive({ key: message.text }));
    assert.deepEqual(await log.lane(topic, new CountingObserver()).send(messages), []);
  };

  await t.test('what settles after its partition was taken away moves no offset of the new owner', async () => {
    const topic = await create(4);
    await fill(topic, 200);
    const group = `g-${randomUUID()}`;
    const first = new Watched(log, group, topic, () => undefined);
    await first.owns(4);
    await until(() => first.messages.length === 200, 10_000, 'everything delivered');
    const second = new Watched(log, group, topic, (batch) => batch.ack());
    await Promise.all([first.owns(2), second.owns(2)]);
    const taken = second.partitions;
    const expected = first.messages.filter(({ partition }) => taken.includes(partition)).length;
    await until(() => second.messages.length === expected, 10_000, 'all of the partitions that moved');
    await second.member.commit();
    const before = await log.admin.committed(group, topic);
    // The first member is late: it settles some of what is not its own any more.
    for (const message of first.messages.slice(0, 50)) message.ack();
    await first.member.commit();
    const after = await log.admin.committed(group, topic);
    for (const partition of taken) assert.equal(after.get(partition), before.get(partition));
    for (const [partition, offset] of after) assert.ok(offset >= (before.get(partition) ?? 0));
    await Promise.all([first.member.leave(), second.member.leave()]);
  });

  await t.test('naive: any member moves the offsets of any other back', async () => {
    const topic = await create(2);
    const groupId = `naive-${randomUUID()}`;
    const start = async () => {
      const consumer = plainKafkajs(kafka.brokers).consumer({ groupId, maxWaitTimeInMs: 100 });
      await consumer.connect();
      await consumer.subscribe({ topics: [topic] });
      let assigned: number[] = [];
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
        assigned = payload.memberAssignment[topic] ?? [];
      });
      await consumer.run({ autoCommit: false, eachBatch: async () => undefined });
      return { consumer, partitions: () => assigned };
    };
    const members = [await start(), await start()] as const;
    await until(() => members.every(({ partitions }) => partitions().length === 1), 20_000, 'one partition each');
    const [owner, other] = members;
    const [partition] = owner.partitions() as [number];
    await owner.consumer.commitOffsets([{ topic, partition, offset: '200' }]);
    await other.consumer.commitOffsets([{ topic, partition, offset: '7' }]);
    assert.equal((await log.admin.committed(groupId, topic)).get(partition), 7);
    await Promise.all(members.map(({ consumer }) => consumer.disconnect()));
  });

  await t.test('a resume takes effect within 150 ms, and leaving waits for no fetch', async () => {
    const topic = await create(2);
    const watched = new Watched(log, `g-${randomUUID()}`, topic, (batch) => batch.ack());
    await watched.owns(2);
    const took: number[] = [];
    for (const round of [0, 1, 2, 3, 4]) {
      watched.member.pause();
      await pass(250);
      await fill(topic, 10, round * 10);
      await pass(150 + round * 30);
      assert.equal(watched.messages.length, round * 10);
      const resumed = Date.now();
      watched.member.resume();
      await until(() => watched.messages.length === round * 10 + 10, 5_000, 'delivery');
      took.push(Date.now() - resumed);
    }
    // The usual way waits for the end of the poll under way: up to five seconds, for a resume as for leaving.
    const median = took.sort((a, b) => a - b)[2] ?? Number.NaN;
    assert.ok(median < 150, `took ${took} ms`);
    const leaving = Date.now();
    await watched.member.leave();
    assert.ok(Date.now() - leaving < 2_500, `took ${Date.now() - leaving} ms`);
  });

  await t.test(
    'a member that was expired while it was cut off comes back without loss, and without repeating what nobody else had',
    async (t) => {
      const topic = await create(3);
      const group = `g-${randomUUID()}`;
      const watched = new Watched(log, group, topic, (batch) => batch.ack());
      await watched.owns(3);
      await fill(topic, 300);
      await until(() => watched.messages.length === 300, 10_000, 'first delivery');
      await watched.member.commit();
      t.after(() => proxy.restore());
      proxy.refuse();
      await pass(12_000);
      proxy.restore();
      await fill(topic, 300, 300);
      await until(() => watched.messages.length >= 600, 20_000, 'delivery afterwards');
      // It has to join again; reading goes on meanwhile.
      await until(() => watched.events.filter(({ type }) => type === 'assigned').length === 2, 20_000, 'joined again');
      await fill(topic, 30, 600);
      await until(() => watched.messages.length >= 630, 20_000, 'delivery after the rejoin');
      assert.equal(new Set(watched.messages.map(({ text }) => text)).size, 630);
      assert.equal(watched.messages.length, 630);
      await watched.member.commit();
      const ends = await log.admin.offsets(topic);
      const committed = await log.admin.committed(group, topic);
      for (const { partition, latest } of ends) assert.equal(committed.get(partition), latest);
      await watched.member.leave();
    },
  );

  await t.test(
    'a member killed without leaving: another takes over behind its commits within a session and a rebalance',
    async (t) => {
      const topic = await create(2);
      const group = `g-${randomUUID()}`;
      const dying = await openLog(t, kafka.brokers);
      const first = new Watched(dying, group, topic, (batch) => batch.ack());
      await first.owns(2);
      await fill(topic, 100);
      await until(() => first.messages.length === 100, 10_000, 'first delivery');
      await first.member.commit();
      await silence(first.member);
      const second = new Watched(log, group, topic, (batch) => batch.ack());
      await fill(topic, 100, 100);
      const started = Date.now();
      await second.owns(2);
      await until(() => second.messages.length >= 100, 10_000, 'the rest');
      assert.ok(Date.now() - started < 20_000);
      assert.deepEqual(
        second.messages.map(({ text }) => Number(text)).sort((a, b) => a - b),
        records(100, 100).map(({ text }) => Number(text)),
      );
      await second.member.leave();
    },
  );
});

/** As a process that was killed: its sockets go, nothing is said to the group. */
async function silence(member: GroupMember): Promise<void> {
  const { parts, participation, fetcher } = member as unknown as {
    parts: { coordination: { close(): void }; data: { close(): void } };
    participation: { stop(): void };
    fetcher: { close(): void };
  };
  participation.stop();
  fetcher.close();
  parts.coordination.close();
  parts.data.close();
}
