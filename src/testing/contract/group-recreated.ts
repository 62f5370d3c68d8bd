import assert from 'node:assert/strict';
import type { Message } from '../../core/message.ts';
import type { Register } from './case.ts';
import { commit } from './commit.ts';
import {
  ackAll,
  createAgain,
  createTopic,
  eventually,
  Joined,
  laneOf,
  numbers,
  offsetsOf,
  record,
  records,
  store,
  uniqueName,
} from './fixture.ts';
import { committedOf, holding, place, spread } from './group-fixture.ts';

/** The silent case throughout: what was committed is not beyond the end of the new topic, so it is never out of range. */
export function recreatedTopicGroupCases(test: Register): void {
  const begin = (count: number) => numbers(0, count).map((at) => record(`new-${at}`, { key: `k${at}` }));
  const isNew = ({ text }: Message) => text.startsWith('new');

  test('gives all of the new one, reports the gap once and commits anew', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log);
    const group = uniqueName('group');
    await store(laneOf(t, log, topic), records(20));
    const joined = new Joined(t, log, { group, topics: [topic], from: 'latest' }, ackAll);
    await joined.owns(1);
    await store(laneOf(t, log, topic), records(20, {}, 20));
    await joined.seen.atLeast(20);
    await eventually(async () => (await committedOf(log, group, topic))[0] === 40, '40 is committed');
    await createAgain(log, topic);
    await store(laneOf(t, log, topic), begin(50));
    await joined.seen.until(() => joined.seen.messages.filter(isNew).length >= 50);
    assert.deepEqual(offsetsOf(joined.seen.messages.filter(isNew)), numbers(0, 50));
    await eventually(async () => (await committedOf(log, group, topic))[0] === 50, '50 is committed');
    assert.deepEqual(joined.gaps, [{ topic, partition: 0, from: 40, to: 0, recreated: true }]);
  });

  test('counts no settle of the old one', async (t) => {
    const { log } = t;
    const { topic, group, joined, member, messages } = await holding(t, log, 20);
    await createAgain(log, topic);
    await store(laneOf(t, log, topic), begin(30));
    await joined.seen.until(() => joined.seen.messages.filter(isNew).length >= 30);
    for (const message of messages) if (!isNew(message)) message.ack();
    await commit(member);
    assert.deepEqual(await committedOf(log, group, topic), { 0: 0 });
    for (const message of joined.seen.messages.filter(isNew)) message.ack();
    await commit(member);
    assert.deepEqual(await committedOf(log, group, topic), { 0: 30 });
  });

  test('gives all of the new one where it has other partitions than the old one', async (t) => {
    const { log } = t;
    for (const [before, after] of [
      [1, 3],
      [4, 2],
    ] as const) {
      const topic = await createTopic(t, log, { partitions: before });
      const options = { group: uniqueName('group'), topics: [topic], from: 'latest' } as const;
      const joined = new Joined(t, log, options, ackAll);
      await joined.owns(before);
      const old = spread(40);
      await store(laneOf(t, log, topic), old);
      await joined.seen.atLeast(40);
      await createAgain(log, topic, after);
      await store(laneOf(t, log, topic), begin(60));
      await joined.seen.until(() => new Set(joined.seen.messages.filter(isNew).map(place)).size === 60);
      await joined.owns(after);
      assert.equal(joined.seen.messages.filter(isNew).length, 60, `${before} -> ${after}: nothing came twice`);
      assert.deepEqual(joined.gaps.map(({ partition }) => partition).sort(), numbers(0, Math.min(before, after)));
    }
  });

  test('gives all of the new one to a later member, whatever the group had committed of the old one', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log, { partitions: 2 });
    const group = uniqueName('group');
    const first = new Joined(t, log, { group, topics: [topic], from: 'latest' }, ackAll);
    await first.owns(2);
    await store(laneOf(t, log, topic), spread(40));
    await first.seen.atLeast(40);
    const topicIds = first.member.topicIds();
    await first.member.leave();
    await createAgain(log, topic, 2);
    await store(laneOf(t, log, topic), begin(80));
    assert.deepEqual(await committedOf(log, group, topic), {});
    const next = new Joined(t, log, { group, topics: [topic], from: 'latest', topicIds }, ackAll);
    await next.seen.atLeast(80);
    assert.equal(new Set(next.seen.messages.map(place)).size, 80);
    assert.deepEqual(
      next.gaps
        .map(({ partition, to, recreated }) => ({ partition, to, recreated }))
        .sort((a, b) => a.partition - b.partition),
      [0, 1].map((partition) => ({ partition, to: 0, recreated: true })),
    );
  });

  test('gives all of the new one also after a member that left before it had read anything of it', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log);
    const options = { group: uniqueName('group'), topics: [topic], from: 'latest' } as const;
    const first = new Joined(t, log, options, ackAll);
    await first.owns(1);
    const topicIds = first.member.topicIds();
    await first.member.leave();
    await createAgain(log, topic);
    await store(laneOf(t, log, topic), begin(30));
    const second = new Joined(t, log, { ...options, topicIds });
    second.member.pause();
    await second.owns(1);
    await second.member.leave();
    const third = new Joined(t, log, options, ackAll);
    assert.deepEqual(offsetsOf(await third.seen.atLeast(30)), numbers(0, 30));
  });

  test('gives all of the new one to whichever member has the partition when others come and leave', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log, { partitions: 4 });
    const options = { group: uniqueName('group'), topics: [topic], from: 'latest' } as const;
    const a = new Joined(t, log, options, ackAll);
    await a.owns(4);
    const b = new Joined(t, log, options, ackAll);
    await Promise.all([a.owns(2), b.owns(2)]);
    await store(laneOf(t, log, topic), spread(80));
    await eventually(async () => a.seen.messages.length + b.seen.messages.length === 80, 'all of the old one came');
    await createAgain(log, topic, 4);
    await store(laneOf(t, log, topic), begin(120));
    await a.member.leave();
    const given = () => [...a.seen.messages, ...b.seen.messages].filter(isNew).map(place);
    await b.seen.until(
      () => new Set(given()).size === 120,
      () => `${new Set(given()).size} of 120 came`,
    );
  });
}
