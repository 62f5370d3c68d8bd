import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { Batch } from '../../src/core/batch.ts';
import type { GroupEvent, GroupMember, Log } from '../../src/core/log.ts';
import type { Message } from '../../src/core/message.ts';
import { commit } from '../../src/testing/contract/commit.ts';
import { openLog, pass, records, until } from './log-fixture.ts';
import { LogRig } from './log-rig.ts';

/** A group member with all events and messages that it has received. */
class WatchedMember {
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

  /** As a killed process: its sockets end, and the group receives no message about it. */
  die(): void {
    const { parts, participation, fetcher } = this.member as unknown as {
      parts: { coordination: { close(): void }; data: { close(): void } };
      participation: { stop(): void };
      fetcher: { close(): void };
    };
    participation.stop();
    fetcher.close();
    parts.coordination.close();
    parts.data.close();
  }
}

test('the group member on a Kafka that fails', { timeout: 300_000 }, async (t) => {
  const rig = await LogRig.start(t, 'group');
  if (rig === undefined) return;
  const { log } = rig;
  /** Numbers from 0 spread over all partitions by key. */
  const fill = async (topic: string, count: number, from = 0) => {
    const messages = records(from, count).map((message) => message.derive({ key: message.text }));
    assert.deepEqual(await rig.lane(topic).send(messages), []);
  };

  await t.test('a message that settles after its partition has moved changes no offset of the new owner', async () => {
    const topic = await rig.createTopic(4);
    await fill(topic, 200);
    const group = `g-${randomUUID()}`;
    const first = new WatchedMember(log, group, topic, () => undefined);
    await first.owns(4);
    await until(() => first.messages.length === 200, 30_000, 'everything delivered');
    const second = new WatchedMember(log, group, topic, (batch) => batch.ack());
    await Promise.all([first.owns(2), second.owns(2)]);
    const taken = second.partitions;
    const expected = first.messages.filter(({ partition }) => taken.includes(partition)).length;
    await until(() => second.messages.length === expected, 30_000, 'all of the partitions that moved');
    await commit(second.member);
    const before = await log.admin.committed(group, topic);
    // The first member is late: it settles messages of partitions that it no longer has.
    for (const message of first.messages.slice(0, 50)) message.ack();
    await commit(first.member);
    const after = await log.admin.committed(group, topic);
    for (const partition of taken) assert.equal(after.get(partition), before.get(partition));
    for (const [partition, offset] of after) assert.ok(offset >= (before.get(partition) ?? 0));
    await Promise.all([first.member.leave(), second.member.leave()]);
  });

  await t.test('neither a resume nor a departure waits for the end of a poll', async () => {
    const topic = await rig.createTopic(2);
    const watched = new WatchedMember(log, `g-${randomUUID()}`, topic, (batch) => batch.ack());
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
    // Other consumers wait for the end of the current poll, up to five seconds, for a resume and for leaving.
    const median = took.sort((a, b) => a - b)[2] ?? Number.NaN;
    assert.ok(median < 2_000, `took ${took} ms`);
    const leaving = Date.now();
    await watched.member.leave();
    assert.ok(Date.now() - leaving < 4_500, `took ${Date.now() - leaving} ms`);
  });

  await t.test(
    'a member that expired while it was cut off returns without loss, and repeats no records of its own',
    async (t) => {
      const topic = await rig.createTopic(3);
      const group = `g-${randomUUID()}`;
      const watched = new WatchedMember(log, group, topic, (batch) => batch.ack());
      await watched.owns(3);
      await fill(topic, 300);
      await until(() => watched.messages.length === 300, 30_000, 'first delivery');
      await commit(watched.member);
      rig.refuseConnections(t);
      await pass(12_000);
      rig.acceptConnections();
      await fill(topic, 300, 300);
      await until(() => watched.messages.length >= 600, 20_000, 'delivery afterwards');
      // It has to join again, and continues to read meanwhile.
      await until(() => watched.events.filter(({ type }) => type === 'assigned').length === 2, 20_000, 'joined again');
      await fill(topic, 30, 600);
      await until(() => watched.messages.length >= 630, 20_000, 'delivery after the rejoin');
      assert.equal(new Set(watched.messages.map(({ text }) => text)).size, 630);
      assert.equal(watched.messages.length, 630);
      await commit(watched.member);
      const ends = await log.admin.offsets(topic);
      const committed = await log.admin.committed(group, topic);
      for (const { partition, latest } of ends) assert.equal(committed.get(partition), latest);
      await watched.member.leave();
    },
  );

  await t.test(
    'another member takes over after the commits of a killed one, within a session and a rebalance',
    async (t) => {
      const topic = await rig.createTopic(2);
      const group = `g-${randomUUID()}`;
      const dying = await openLog(t, rig.brokers);
      const first = new WatchedMember(dying, group, topic, (batch) => batch.ack());
      await first.owns(2);
      await fill(topic, 100);
      await until(() => first.messages.length === 100, 30_000, 'first delivery');
      await commit(first.member);
      first.die();
      const second = new WatchedMember(log, group, topic, (batch) => batch.ack());
      await fill(topic, 100, 100);
      await second.owns(2);
      await until(() => second.messages.length >= 100, 30_000, 'the rest');
      assert.deepEqual(
        second.messages.map(({ text }) => Number(text)).sort((a, b) => a - b),
        records(100, 100).map(({ text }) => Number(text)),
      );
      await second.member.leave();
    },
  );
});
