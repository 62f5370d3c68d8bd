import assert from 'node:assert/strict';
import type { Gap } from '../../core/log.ts';
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
  record,
  records,
  store,
  uniqueName,
} from './fixture.ts';
import { committedOf, FAILURE, holding, place } from './group-fixture.ts';

export function groupCommittingCases(test: Register): void {
  test('goes on behind what was committed', async (t) => {
    const { log } = t;
    const { topic, group, member, messages } = await holding(t, log, 20);
    for (const message of messages.slice(0, 12)) message.ack();
    await member.leave();
    assert.deepEqual(await committedOf(log, group, topic), { 0: 12 });
    const next = new Joined(t, log, { group, topics: [topic], from: 'earliest' }, ackAll);
    assert.deepEqual(offsetsOf(await next.seen.atLeast(8)), numbers(12, 20));
  });

  test('commits the contiguous settled prefix only, in whatever order messages are settled', async (t) => {
    const { log } = t;
    const { topic, group, member, messages } = await holding(t, log, 8);
    for (const at of [6, 0, 3, 1, 4]) messages[at]?.ack();
    await commit(member);
    assert.deepEqual(await committedOf(log, group, topic), { 0: 2 });
    messages[2]?.ack();
    await commit(member);
    assert.deepEqual(await committedOf(log, group, topic), { 0: 5 });
  });

  test('commits by itself after the interval', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log);
    const group = uniqueName('group');
    await store(laneOf(t, log, topic), records(5));
    const joined = new Joined(t, log, { group, topics: [topic], from: 'earliest', commitInterval: 100 }, ackAll);
    await joined.seen.atLeast(5);
    await eventually(async () => (await committedOf(log, group, topic))[0] === 5, 'offset 5 is committed');
  });

  test('is held back by a nack until a seek reads the record again', async (t) => {
    const { log } = t;
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
    const { log } = t;
    const { topic, group, member, messages, joined } = await holding(t, log, 6);
    member.seek({ topic, partition: 0 }, 1);
    await joined.seen.atLeast(11);
    for (const message of messages.slice(0, 6)) message.ack();
    await commit(member);
    assert.deepEqual(await committedOf(log, group, topic), { 0: 1 });
  });

  test('counts the settle of a message that processors have changed or split', async (t) => {
    const { log } = t;
    const { topic, group, member, messages } = await holding(t, log, 2);
    messages[0]?.derive({ payload: Buffer.from('changed') }).ack();
    for (const part of messages[1]?.split([{ payload: Buffer.from('1') }, { payload: Buffer.from('2') }]) ?? [])
      part.ack();
    await commit(member);
    assert.deepEqual(await committedOf(log, group, topic), { 0: 2 });
  });

  test('commits at once where it starts, so that "latest" means the moment of the first join', async (t) => {
    const { log } = t;
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
    const { log } = t;
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
    const { log } = t;
    const { topic, member, joined } = await holding(t, log, 3);
    const gaps: Gap[] = [];
    member.gaps$.subscribe((gap) => gaps.push(gap));
    member.seek({ topic, partition: 0 }, 500);
    await joined.seen.atLeast(6);
    assert.deepEqual(offsetsOf(joined.seen.messages.slice(3)), [0, 1, 2]);
    assert.deepEqual(gaps, [{ topic, partition: 0, from: 500, to: 0 }]);
  });
}
