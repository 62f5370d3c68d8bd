import assert from 'node:assert/strict';
import type { Register } from './case.ts';
import { commit } from './commit.ts';
import { ackAll, createTopic, Joined, laneOf, numbers, record, store, uniqueName } from './fixture.ts';
import { nextAssignment, noteAt, Remembered, replayedOf, TEN, tenCommitted } from './group-state-fixture.ts';

export function groupStateKeepingCases(test: Register): void {
  test('commits a note again that changed while the offset did not', async (t) => {
    const { log } = t;
    const { join } = await tenCommitted(t, log);
    const state = new Remembered();
    const { seen, member } = join(state, ackAll);
    await seen.atLeast(4);
    state.through = 99;
    await commit(member);
    // From here on nothing is kept, which leaves the note of the offset as it is.
    state.keepsNothing = true;
    await member.leave();
    assert.deepEqual(await nextAssignment(join), { ...TEN, note: noteAt(10, 4, 99) });
  });

  test('tells the state of each partition that goes, once and after its last commit', async (t) => {
    const { log } = t;
    const { join } = await tenCommitted(t, log);
    const state = new Remembered();
    const { seen, member } = join(state, ackAll);
    await seen.atLeast(4);
    state.through = 55;
    await member.leave();
    const calls = state.of(0);
    assert.deepEqual([calls.at(0), calls.at(-2), calls.at(-1)], ['assigned', 'note', 'revoked']);
    assert.deepEqual(
      calls.filter((at) => at !== 'note'),
      ['assigned', 'revoked'],
    );
    assert.deepEqual(await nextAssignment(join), { ...TEN, note: noteAt(10, 4, 55) });
  });

  test('hands the state of a partition over to the member that it goes to', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log, { partitions: 4 });
    const options = { group: uniqueName('group'), topics: [topic], from: 'earliest', commitInterval: 600_000 } as const;
    const sent = numbers(0, 80).map((at) => record(String(at), { key: `k${at % 40}` }));
    await store(laneOf(t, log, topic), sent);
    const [ofA, ofB] = [new Remembered(), new Remembered()];
    const a = new Joined(t, log, { ...options, state: ofA }, ackAll);
    await a.owns(4);
    await a.seen.atLeast(80);
    const b = new Joined(t, log, { ...options, state: ofB }, ackAll);
    await Promise.all([a.owns(2), b.owns(2)]);
    assert.deepEqual(ofB.assignments.map(({ partition }) => partition).sort(), b.assigned, 'only what it was given');
    await b.seen.atLeast(8);
    for (const { partition, committed, note } of ofB.assignments) {
      assert.equal(committed, sent.filter((message) => message.partition === partition).length);
      assert.deepEqual(note, noteAt(committed));
      assert.deepEqual(replayedOf(b.seen.of(partition)), numbers(committed - 4, committed));
      assert.equal(ofA.of(partition).at(-1), 'revoked');
    }
    for (const partition of a.assigned) assert.ok(!ofA.of(partition).includes('revoked'));
    await a.member.leave();
    await b.owns(4);
    await b.seen.atLeast(16);
    assert.equal(ofB.assignments.length, 4);
    assert.equal(b.seen.messages.length, replayedOf(b.seen.messages).length, 'nothing but replays came');
  });
}
