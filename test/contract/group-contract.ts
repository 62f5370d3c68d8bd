import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { Batch } from '../../src/core/batch.ts';
import { TidegateError } from '../../src/core/errors.ts';
import type { Gap, Log } from '../../src/core/log.ts';
import { Message } from '../../src/core/message.ts';
import { commit } from '../helpers/commit.ts';
import { groupStateContract } from './group-state-contract.ts';
import type { Subject, SuiteOptions } from './log-contract.ts';
import {
  ackAll,
  createAgain,
  createTopic,
  eventually,
  Joined,
  laneOf,
  numbers,
  offsetsOf,
  pass,
  record,
  records,
  store,
  uniqueName,
} from './log-fixture.ts';

const FAILURE = new TidegateError('TG_PROCESSOR_FAILED', 'made to fail by the test');

/** Records with keys that reach all of four partitions. */
function spread(count: number, from = 0): Message[] {
  return numbers(from, from + count).map((at) => record(String(at), { key: `k${at % 40}` }));
}

function place({ partition, offset }: Message): string {
  return `${partition}/${offset}`;
}

async function committedOf(log: Log, group: string, topic: string): Promise<Record<number, number>> {
  return Object.fromEntries(await log.admin.committed(group, topic));
}

/** One partition, its records, and a member that has been given them all and settled none. */
async function holding(t: TestContext, log: Log, count: number) {
  const topic = await createTopic(t, log);
  const group = uniqueName('group');
  const lane = laneOf(t, log, topic);
  await store(lane, records(count));
  // Commits happen when the test asks for them.
  const joined = new Joined(t, log, { group, topics: [topic], from: 'earliest', commitInterval: 600_000 });
  const messages = await joined.seen.atLeast(count);
  return { topic, group, lane, joined, member: joined.member, messages };
}

/** Each test has a group and a topic of its own, and waits most of its time for a broker that waits for more members. */
const GROUPS_AT_A_TIME = 6;

export function groupContract(subject: () => Subject, options: SuiteOptions): void {
  describe('a group', { ...options, concurrency: GROUPS_AT_A_TIME }, () => {
    sharing(subject);
    committing(subject);
    flow(subject);
    describe('with state that is rebuilt by reading again', { concurrency: GROUPS_AT_A_TIME }, () =>
      groupStateContract(subject),
    );
    describe('on a topic that is deleted and created again', { concurrency: GROUPS_AT_A_TIME }, () =>
      recreated(subject),
    );
  });
}

function sharing(subject: () => Subject): void {
  test('reports to a member that it joins, what it is assigned, and that it left', async (t) => {
    const { log } = subject();
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
    const { log } = subject();
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
    const { log } = subject();
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
    const { log } = subject();
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
    const { log } = subject();
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
    const { log } = subject();
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
    const { log } = subject();
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
    const { log } = subject();
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
    const { log } = subject();
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
    const { log } = subject();
    const topic = await createTopic(t, log);
    await store(laneOf(t, log, topic), records(10));
    for (const group of [uniqueName('group'), uniqueName('group')]) {
      const joined = new Joined(t, log, { group, topics: [topic], from: 'earliest' }, ackAll);
      assert.deepEqual(offsetsOf(await joined.seen.atLeast(10)), numbers(0, 10));
    }
  });

  test('takes partitions over that are added to its topic', async (t) => {
    const { log } = subject();
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

function committing(subject: () => Subject): void {
  test('goes on behind what was committed', async (t) => {
    const { log } = subject();
    const { topic, group, member, messages } = await holding(t, log, 20);
    for (const message of messages.slice(0, 12)) message.ack();
    await member.leave();
    assert.deepEqual(await committedOf(log, group, topic), { 0: 12 });
    const next = new Joined(t, log, { group, topics: [topic], from: 'earliest' }, ackAll);
    assert.deepEqual(offsetsOf(await next.seen.atLeast(8)), numbers(12, 20));
  });

  test('commits the contiguous settled prefix only, in whatever order messages are settled', async (t) => {
    const { log } = subject();
    const { topic, group, member, messages } = await holding(t, log, 8);
    for (const at of [6, 0, 3, 1, 4]) messages[at]?.ack();
    await commit(member);
    assert.deepEqual(await committedOf(log, group, topic), { 0: 2 });
    messages[2]?.ack();
    await commit(member);
    assert.deepEqual(await committedOf(log, group, topic), { 0: 5 });
  });

  test('commits by itself after the interval', async (t) => {
    const { log } = subject();
    const topic = await createTopic(t, log);
    const group = uniqueName('group');
    await store(laneOf(t, log, topic), records(5));
    const joined = new Joined(t, log, { group, topics: [topic], from: 'earliest', commitInterval: 100 }, ackAll);
    await joined.seen.atLeast(5);
    await eventually(async () => (await committedOf(log, group, topic))[0] === 5, 'offset 5 is committed');
  });

  test('is held back by a nack until a seek reads the record again', async (t) => {
    const { log } = subject();
    const { topic, group, member, messages, joined } = await holding(t, log, 6);
    for (const [at, message] of messages.entries()) {
      if (at === 2) message.nack(FAILURE);
      else message.ack();
    }
    await commit(member);
    assert.deepEqual(await committedOf(log, group, topic), { 0: 2 });
    member.seek({ topic, partition: 0 }, 2);
    await joined.seen.atLeast(10);
    const again = joined.seen.messages.slice(6);
    assert.deepEqual(offsetsOf(again), numbers(2, 6));
    for (const message of again) message.ack();
    await commit(member);
    assert.deepEqual(await committedOf(log, group, topic), { 0: 6 });
  });

  test('counts no settle from before a seek', async (t) => {
    const { log } = subject();
    const { topic, group, member, messages, joined } = await holding(t, log, 6);
    member.seek({ topic, partition: 0 }, 1);
    await joined.seen.atLeast(11);
    for (const message of messages.slice(0, 6)) message.ack();
    await commit(member);
    assert.deepEqual(await committedOf(log, group, topic), { 0: 1 });
  });

  test('counts the settle of a message that processors have changed or split', async (t) => {
    const { log } = subject();
    const { topic, group, member, messages } = await holding(t, log, 2);
    messages[0]?.derive({ payload: Buffer.from('changed') }).ack();
    for (const part of messages[1]?.split([{ payload: Buffer.from('1') }, { payload: Buffer.from('2') }]) ?? [])
      part.ack();
    await commit(member);
    assert.deepEqual(await committedOf(log, group, topic), { 0: 2 });
  });

  test('commits at once where it starts, so that "latest" means the moment of the first join', async (t) => {
    const { log } = subject();
    const topic = await createTopic(t, log, { partitions: 2 });
    const group = uniqueName('group');
    const lane = laneOf(t, log, topic);
    await store(lane, records(3, { key: '21' }));
    const options = { group, topics: [topic], from: 'latest', commitInterval: 600_000 } as const;
    const first = new Joined(t, log, options);
    await first.owns(2);
    await eventually(async () => {
      const committed = await committedOf(log, group, topic);
      return committed[0] === 3 && committed[1] === 0;
    }, 'the start of both partitions is committed');
    await first.member.leave();
    await store(lane, records(2, { key: '21' }, 3));
    await store(lane, records(2, { key: 'abc' }, 5));
    const second = new Joined(t, log, options);
    await second.seen.atLeast(4);
    assert.deepEqual(
      [offsetsOf(second.seen.of(0)), offsetsOf(second.seen.of(1))],
      [
        [3, 4],
        [0, 1],
      ],
    );
  });

  test('starts at given offsets where the group never committed, else at the end, and only once', async (t) => {
    const { log } = subject();
    const topic = await createTopic(t, log, { partitions: 2 });
    const group = uniqueName('group');
    const lane = laneOf(t, log, topic);
    await store(lane, records(5, { key: '21' }));
    await store(lane, records(3, { key: 'abc' }, 5));
    const options = { group, topics: [topic], from: { offsets: { [topic]: { 0: 2 } } }, commitInterval: 600_000 };
    const first = new Joined(t, log, options, ackAll);
    assert.deepEqual(offsetsOf(await first.seen.atLeast(3)), [2, 3, 4]);
    await first.member.leave();
    assert.deepEqual(await committedOf(log, group, topic), { 0: 5, 1: 3 });
    await store(lane, [record('8', { key: '21' }), record('9', { key: 'abc' })]);
    const second = new Joined(t, log, options, ackAll);
    const seen = (await second.seen.atLeast(2)).map(place);
    assert.deepEqual(seen.sort(), ['0/5', '1/3']);
  });

  test('goes on at the earliest record, with a gap, where its offset is out of range', async (t) => {
    const { log } = subject();
    const { topic, member, joined } = await holding(t, log, 3);
    const gaps: Gap[] = [];
    member.gaps$.subscribe((gap) => gaps.push(gap));
    member.seek({ topic, partition: 0 }, 500);
    await joined.seen.atLeast(6);
    assert.deepEqual(offsetsOf(joined.seen.messages.slice(3)), [0, 1, 2]);
    assert.deepEqual(gaps, [{ topic, partition: 0, from: 500, to: 0 }]);
  });
}

function flow(subject: () => Subject): void {
  test('gives nothing while it is paused and everything after', async (t) => {
    const { log } = subject();
    const topic = await createTopic(t, log);
    const lane = laneOf(t, log, topic);
    const joined = new Joined(t, log, { group: uniqueName('group'), topics: [topic], from: 'earliest' }, ackAll);
    await store(lane, records(2));
    await joined.seen.atLeast(2);
    joined.member.pause();
    await pass(200);
    await store(lane, records(3, {}, 2));
    await pass(400);
    assert.equal(joined.seen.messages.length, 2);
    joined.member.resume();
    assert.deepEqual(offsetsOf(await joined.seen.atLeast(5)), numbers(0, 5));
  });

  test('pauses single partitions', async (t) => {
    const { log } = subject();
    const topic = await createTopic(t, log, { partitions: 2 });
    const lane = laneOf(t, log, topic);
    const joined = new Joined(t, log, { group: uniqueName('group'), topics: [topic], from: 'earliest' }, ackAll);
    await joined.owns(2);
    joined.member.pause([{ topic, partition: 0 }]);
    await pass(200);
    await store(lane, [record('held', { key: '21' }), record('goes', { key: 'abc' })]);
    await joined.seen.atLeast(1);
    await pass(400);
    assert.deepEqual(joined.seen.messages.map(place), ['1/0']);
    joined.member.resume([{ topic, partition: 0 }]);
    assert.deepEqual((await joined.seen.atLeast(2)).map(place), ['1/0', '0/0']);
  });

  test('knows how far behind it is also while it reads nothing', async (t) => {
    const { log } = subject();
    const { topic, lane, joined, member } = await holding(t, log, 5);
    member.pause([{ topic, partition: 0 }]);
    await store(lane, records(7));
    // What a fetch under way still brings is no less behind.
    const behind = () => (member.lag().get(topic)?.get(0) ?? 0) + joined.seen.messages.length - 5;
    await eventually(async () => behind() === 7, 'lag is 7');
    member.pause();
    member.resume([{ topic, partition: 0 }]);
    await store(lane, records(4));
    await eventually(async () => behind() === 11, 'lag is 11');
  });

  test('stops ahead of unsettled records, by maxUnsettled, and goes on when they are settled', async (t) => {
    const { log } = subject();
    const topic = await createTopic(t, log);
    const lane = laneOf(t, log, topic);
    const payload = Buffer.alloc(100_000);
    for (let send = 0; send < 10; send += 1)
      await store(
        lane,
        numbers(0, 8).map(() => new Message(payload)),
      );
    const maxUnsettled = 10;
    const settleAll = { is: false };
    const receive = (batch: Batch) => {
      if (settleAll.is) batch.ack();
    };
    const options = { group: uniqueName('group'), topics: [topic], from: 'earliest', maxUnsettled } as const;
    const joined = new Joined(t, log, options, receive);
    await joined.seen.atLeast(maxUnsettled);
    await pass(600);
    const ahead = joined.seen.messages.length;
    // One fetch more may have been under way: 1 MiB at most.
    assert.ok(ahead < maxUnsettled + 11, `${ahead} records came`);
    const lag = joined.member.lag().get(topic)?.get(0) ?? 0;
    assert.ok(lag > 0 && lag <= 80 - maxUnsettled, `lag is ${lag}`);
    settleAll.is = true;
    for (const message of [...joined.seen.messages]) message.ack();
    assert.deepEqual(offsetsOf(await joined.seen.atLeast(80)), numbers(0, 80));
    await eventually(async () => joined.member.lag().get(topic)?.get(0) === 0, 'lag is 0');
  });

  test('takes no more than is admitted, and reads the rest again once the partition is resumed', async (t) => {
    const { log } = subject();
    const topic = await createTopic(t, log);
    await store(laneOf(t, log, topic), records(20));
    const group = uniqueName('group');
    const asked: number[] = [];
    const admit = ([first]: readonly Message[]) => {
      asked.push(first?.offset ?? -1);
      joined.member.pause([{ topic, partition: 0 }]);
      return isOpen ? 3 : 0;
    };
    let isOpen = true;
    const joined: Joined = new Joined(t, log, { group, topics: [topic], from: 'earliest', admit }, ackAll);
    for (let from = 0; from < 18; from += 3) {
      await joined.seen.atLeast(from + 3);
      assert.deepEqual(offsetsOf(joined.seen.messages), numbers(0, from + 3));
      joined.member.resume([{ topic, partition: 0 }]);
    }
    await eventually(async () => asked.length === 7, 'asked for the last two');
    assert.deepEqual(asked, [0, 3, 6, 9, 12, 15, 18]);
    isOpen = false;
    await store(laneOf(t, log, topic), records(2));
    joined.member.resume([{ topic, partition: 0 }]);
    await eventually(async () => asked.at(-1) === 20, 'asked for those that came');
    assert.equal(joined.seen.messages.length, 20);
    await eventually(async () => (await committedOf(log, group, topic))[0] === 20, 'what came is committed');
  });
}

/** The silent case throughout: what was committed is not beyond the end of the new topic, so it is never out of range. */
function recreated(subject: () => Subject): void {
  const begin = (count: number) => numbers(0, count).map((at) => record(`new-${at}`, { key: `k${at}` }));
  const isNew = ({ text }: Message) => text.startsWith('new');

  test('gives all of the new one, reports the gap once and commits anew', async (t) => {
    const { log } = subject();
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
    const { log } = subject();
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
    const { log } = subject();
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
    const { log } = subject();
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
    const { log } = subject();
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
    const { log } = subject();
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
