import assert from 'node:assert/strict';
import type { Register } from './case.ts';
import { commit } from './commit.ts';
import { ackAll, createAgain, eventually, Joined, laneOf, numbers, offsetsOf, records, store } from './fixture.ts';
import { nextAssignment, Remembered, replayedOf, TEN, tenCommitted } from './group-state-fixture.ts';

export function groupStateBeginningCases(test: Register): void {
  test('replays nothing where a commit has no note, as those of earlier versions', async (t) => {
    const { log } = t;
    const { topic, group, join } = await tenCommitted(t, log);
    await log.admin.setCommitted(group, topic, new Map([[0, 8]]));
    const state = new Remembered();
    const { seen } = join(state, ackAll);
    assert.deepEqual(offsetsOf(await seen.atLeast(2)), [8, 9]);
    assert.deepEqual(
      [state.assignments, replayedOf(seen.messages)],
      [[{ at: 'assigned', partition: 0, committed: 8 }], []],
    );
  });

  test('keeps its note while a member without state has the partition and processes nothing', async (t) => {
    const { log } = t;
    const { topic, group, join } = await tenCommitted(t, log);
    const other = new Joined(t, log, { group, topics: [topic], from: 'earliest', commitInterval: 600_000 }, ackAll);
    await other.owns(1);
    await commit(other.member);
    await other.member.leave();
    assert.deepEqual(await nextAssignment(join), TEN);
  });

  test('begins without a note in a topic that was created again', async (t) => {
    const { log } = t;
    const { topic, group, join } = await tenCommitted(t, log);
    const state = new Remembered();
    const { seen, member } = join(state, ackAll);
    await seen.atLeast(4);
    await createAgain(log, topic);
    await store(laneOf(t, log, topic), records(3));
    assert.deepEqual(offsetsOf((await seen.atLeast(7)).slice(4)), [0, 1, 2]);
    assert.deepEqual(replayedOf(seen.messages.slice(4)), []);
    assert.deepEqual(state.assignments.at(-1), { at: 'assigned', partition: 0, committed: 0 });
    await commit(member);
    assert.deepEqual([...(await log.admin.committed(group, topic))], [[0, 3]]);
  });

  test('begins anew at the earliest record where the group was beyond the end', async (t) => {
    const { log } = t;
    const { topic, group, join } = await tenCommitted(t, log);
    await log.admin.setCommitted(group, topic, new Map([[0, 500]]));
    const state = new Remembered();
    const { seen, member } = join(state, ackAll);
    assert.deepEqual(offsetsOf(await seen.atLeast(10)), numbers(0, 10));
    assert.deepEqual(replayedOf(seen.messages), []);
    assert.deepEqual(
      state.assignments.map(({ committed, note }) => [committed, note]),
      [
        [500, undefined],
        [0, undefined],
      ],
    );
    await commit(member);
    assert.deepEqual([...(await log.admin.committed(group, topic))], [[0, 10]]);
  });

  test('is at the end of a partition only where all that was handed over is settled', async (t) => {
    const { log } = t;
    const { topic, lane, join } = await tenCommitted(t, log);
    const place = { topic, partition: 0 };
    await store(lane, records(2, {}, 10));
    const { seen, member } = join(new Remembered());
    const [replayed, ...others] = await seen.atLeast(6);
    await eventually(async () => member.lag().get(topic)?.get(0) === 0, 'lag is 0');
    assert.equal(member.sinceEnd(place), undefined, 'nothing is settled');
    for (const message of others) message.ack();
    assert.equal(member.sinceEnd(place), undefined, 'a replayed record is not settled');
    replayed?.ack();
    await eventually(async () => (member.sinceEnd(place) ?? Number.POSITIVE_INFINITY) < 1_000, 'the end was seen');
    await member.leave();
    assert.equal(member.sinceEnd({ topic, partition: 7 }), undefined);
  });

  test('has a lag of 0 only once the end was seen', async (t) => {
    const { log } = t;
    const { topic, group, join } = await tenCommitted(t, log);
    for (const committed of [3, 500]) {
      await log.admin.setCommitted(group, topic, new Map([[0, committed]]));
      const joined = join(new Remembered(), ackAll);
      const lag = () => joined.member.lag().get(topic)?.get(0);
      const early: (number | undefined)[] = [];
      joined.member.events$.subscribe(({ type }) => {
        if (type === 'assigned') early.push(lag());
      });
      await joined.owns(1);
      early.push(lag());
      assert.ok(
        early.every((behind) => behind !== 0) || joined.seen.messages.length > 0,
        `${early} after ${committed}`,
      );
      await eventually(async () => lag() === 0, 'lag is 0');
      assert.ok(joined.seen.messages.length >= 7, 'all came before that');
      await joined.member.leave();
    }
  });
}
