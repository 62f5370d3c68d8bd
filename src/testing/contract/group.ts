import assert from 'node:assert/strict';
import type { Message } from '../../core/message.ts';
import type { Register } from './case.ts';
import { commit } from './commit.ts';
import {
  ackAll,
  createTopic,
  eventually,
  Joined,
  laneOf,
  numbers,
  offsetsOf,
  pass,
  records,
  store,
  uniqueName,
} from './fixture.ts';
import { committedOf, place, spread } from './group-fixture.ts';

export function groupSharingCases(test: Register): void {
  test('reports to a member that it joins, what it is assigned, and that it left', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log, { partitions: 2 });
    const joined = new Joined(t, log, { group: uniqueName('group'), topics: [topic], from: 'earliest' });
    await joined.owns(2);
    assert.equal(joined.events[0]?.type, 'joining');
    const assigned = joined.events.find((event) => event.type === 'assigned');
    assert.ok(assigned !== undefined && assigned.generation >= 1);
    const both = [0, 1].map((partition) => ({ topic, partition }));
    assert.deepEqual(new Set(assigned.partitions), new Set(both));
    assert.deepEqual(new Set(assigned.added), new Set(both));
    assert.deepEqual(assigned.removed, []);
    await joined.member.leave();
    assert.equal(joined.events.at(-1)?.type, 'left');
    assert.equal(joined.seen.isComplete, true);
  });

  test('gives each member the labels of all, and when it was last known to be alive', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log, { partitions: 2 });
    const options = { group: uniqueName('group'), topics: [topic], from: 'earliest' } as const;
    const begun = performance.now();
    const a = new Joined(t, log, { ...options, label: 'one' });
    const b = new Joined(t, log, { ...options, label: 'two' });
    await Promise.all([a.owns(1), b.owns(1)]);
    for (const { events, member } of [a, b]) {
      const assigned = events.findLast((event) => event.type === 'assigned');
      assert.deepEqual(assigned?.members.toSorted(), ['one', 'two']);
      const seenAt = () => performance.now() - member.silentFor();
      const first = seenAt();
      assert.ok(first > begun - 10 && first <= performance.now(), `${first} after ${begun}`);
      await eventually(async () => seenAt() > first + 10, 'a later sign of life');
    }
  });

  test('gives co-partitioned topics to members by number, as far as all of them have it', async (t) => {
    const { log } = t;
    const [orders, payments] = [
      await createTopic(t, log, { partitions: 4 }),
      await createTopic(t, log, { partitions: 2 }),
    ];
    const topics = [orders, payments];
    const options = { group: uniqueName('group'), topics, from: 'earliest', coPartitioned: true } as const;
    const a = new Joined(t, log, options, ackAll);
    await a.owns(4);
    assert.deepEqual(a.assigned, [0, 0, 1, 1]);
    await log.admin.addPartitions(payments, 4);
    await a.owns(8);
    const b = new Joined(t, log, options, ackAll);
    await Promise.all([a.owns(4), b.owns(4)]);
    for (const { assigned } of [a, b])
      assert.deepEqual(assigned[0] === assigned[1] && assigned[2] === assigned[3], true);
    assert.deepEqual([...a.assigned, ...b.assigned].sort(), [0, 0, 1, 1, 2, 2, 3, 3]);
    await a.member.leave();
    await b.owns(8);
  });

  test('reads other topics when it is asked to: later ones from their first record, what stays without a break', async (t) => {
    const { log } = t;
    const [stays, later, goes] = [await createTopic(t, log), await createTopic(t, log), await createTopic(t, log)];
    const group = uniqueName('group');
    const joined = new Joined(t, log, { group, topics: [stays, goes], from: 'latest' });
    const { member, seen } = joined;
    await joined.owns(2);
    for (const topic of [stays, later, goes]) await store(laneOf(t, log, topic), records(3));
    await seen.atLeast(6);
    member.subscribe([stays, later], [later]);
    await seen.atLeast(9);
    await eventually(async () => joined.events.at(-1)?.type === 'assigned', 'the group has shared out anew');
    await store(laneOf(t, log, goes), records(3));
    await store(laneOf(t, log, stays), records(3, {}, 3));
    await seen.atLeast(12);
    const offsetsIn = (topic: string) => offsetsOf(seen.messages.filter((message) => message.topic === topic));
    assert.deepEqual([stays, later, goes].map(offsetsIn), [numbers(0, 6), numbers(0, 3), numbers(0, 3)]);
    for (const message of seen.messages) message.ack();
    await commit(member);
    assert.deepEqual(await committedOf(log, group, stays), { 0: 6 });
    assert.deepEqual(await committedOf(log, group, later), { 0: 3 });
  });

  test('shares the partitions between its members: each record arrives, in order per partition', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log, { partitions: 4 });
    const options = { group: uniqueName('group'), topics: [topic], from: 'earliest' } as const;
    const a = new Joined(t, log, options, ackAll);
    await a.owns(4);
    const b = new Joined(t, log, options, ackAll);
    await Promise.all([a.owns(2), b.owns(2)]);
    assert.deepEqual([...a.assigned, ...b.assigned].sort(), [0, 1, 2, 3]);
    const lane = laneOf(t, log, topic);
    const sent: Message[] = [];
    for (let send = 0; send < 5; send += 1) {
      const messages = spread(80, send * 80);
      await store(lane, messages);
      sent.push(...messages);
    }
    for (const { seen, assigned } of [a, b]) {
      const due = sent.filter(({ partition }) => assigned.includes(partition));
      await seen.atLeast(due.length);
      assert.deepEqual(new Set(seen.messages.map(place)), new Set(due.map(place)));
      for (const partition of assigned) {
        const offsets = offsetsOf(seen.of(partition));
        assert.deepEqual(
          offsets,
          [...offsets].sort((one, other) => one - other),
        );
      }
    }
  });

  test('moves no more partitions than it has to when a member comes, and says which', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log, { partitions: 4 });
    const options = { group: uniqueName('group'), topics: [topic], from: 'earliest' } as const;
    const a = new Joined(t, log, options);
    await a.owns(4);
    const b = new Joined(t, log, options);
    await Promise.all([a.owns(2), b.owns(2)]);
    // It may come in two steps: what is taken away, and then that all is assigned.
    const later = a.events.flatMap((event) => (event.type === 'assigned' ? [event] : [])).slice(1);
    assert.ok(later.length > 0);
    assert.deepEqual(
      later.flatMap(({ added }) => added),
      [],
    );
    assert.deepEqual(
      later
        .flatMap(({ removed }) => removed)
        .map(({ partition }) => partition)
        .sort(),
      b.assigned,
    );
    const generations = a.events.flatMap((event) => (event.type === 'assigned' ? [event.generation] : []));
    assert.ok(generations.every((generation, at) => at === 0 || generation > (generations[at - 1] ?? 0)));
  });

  test('skips nothing when a member leaves without having settled', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log, { partitions: 4 });
    const options = { group: uniqueName('group'), topics: [topic], from: 'earliest' } as const;
    const a = new Joined(t, log, options);
    await a.owns(4);
    const b = new Joined(t, log, options, ackAll);
    await Promise.all([a.owns(2), b.owns(2)]);
    const sent = spread(80);
    await store(laneOf(t, log, topic), sent);
    const ofA = sent.filter(({ partition }) => a.assigned.includes(partition));
    await a.seen.atLeast(ofA.length);
    await a.member.leave();
    await b.owns(4);
    await b.seen.atLeast(sent.length);
    assert.deepEqual(new Set(b.seen.messages.map(place)), new Set(sent.map(place)));
  });

  test('gives nothing twice when a member comes or leaves under load, as long as all is settled', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log, { partitions: 4 });
    const group = uniqueName('group');
    const options = { group, topics: [topic], from: 'earliest', commitInterval: 600_000 } as const;
    const a = new Joined(t, log, options, ackAll);
    await a.owns(4);
    const lane = laneOf(t, log, topic);
    const sent: Message[] = [];
    let isOver = false;
    const sending = (async () => {
      for (; !isOver; await pass(2)) {
        const messages = spread(40, sent.length);
        await store(lane, messages);
        sent.push(...messages);
      }
    })();
    await a.seen.atLeast(200);
    const b = new Joined(t, log, options, ackAll);
    await b.seen.atLeast(200);
    await a.member.leave();
    const had = b.seen.messages.length;
    await b.owns(4);
    await b.seen.atLeast(had + 400);
    isOver = true;
    await sending;
    await b.seen.until(() => a.seen.messages.length + b.seen.messages.length >= sent.length);
    const given = [...a.seen.messages, ...b.seen.messages].map(place);
    assert.equal(new Set(given).size, sent.length);
    assert.deepEqual(given.sort(), sent.map(place).sort());
  });

  test('drops settles of a member that has lost the partition, and keeps those of partitions it has kept', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log, { partitions: 4 });
    const group = uniqueName('group');
    const options = { group, topics: [topic], from: 'earliest', commitInterval: 600_000 } as const;
    const a = new Joined(t, log, options);
    await a.owns(4);
    const sent = spread(80);
    await store(laneOf(t, log, topic), sent);
    await a.seen.atLeast(80);
    const b = new Joined(t, log, options);
    await Promise.all([a.owns(2), b.owns(2)]);
    // The new owner has its records in flight too, so that nothing but a stale settle could move the offset.
    await b.seen.atLeast(sent.filter(({ partition }) => b.assigned.includes(partition)).length);
    for (const message of a.seen.messages) message.ack();
    await commit(a.member);
    await commit(b.member);
    const expected = numbers(0, 4).map((partition) => {
      const count = sent.filter((message) => message.partition === partition).length;
      return [partition, a.assigned.includes(partition) ? count : 0];
    });
    assert.deepEqual(await committedOf(log, group, topic), Object.fromEntries(expected));
    assert.equal(a.seen.messages.length, 80, 'what was in flight on kept partitions is not read again');
  });

  test('keeps groups apart: each of them gets every record', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log);
    await store(laneOf(t, log, topic), records(10));
    for (const group of [uniqueName('group'), uniqueName('group')]) {
      const joined = new Joined(t, log, { group, topics: [topic], from: 'earliest' }, ackAll);
      assert.deepEqual(offsetsOf(await joined.seen.atLeast(10)), numbers(0, 10));
    }
  });

  test('takes partitions over that are added to its topic', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log);
    const joined = new Joined(t, log, { group: uniqueName('group'), topics: [topic], from: 'earliest' }, ackAll);
    await joined.owns(1);
    await log.admin.addPartitions(topic, 3);
    const sent = spread(40);
    await store(laneOf(t, log, topic), sent);
    await joined.seen.until(() => new Set(joined.seen.messages.map(place)).size === 40);
    await joined.owns(3);
  });
}
