import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { TidegateError } from '../../src/core/errors.ts';
import type { GroupState, StateNote } from '../../src/core/group-state.ts';
import type { GroupOptions, Log, TopicPartition } from '../../src/core/log.ts';
import type { Message } from '../../src/core/message.ts';
import { commit } from '../helpers/commit.ts';
import type { Subject } from './log-contract.ts';
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

type Call =
  | { readonly at: 'assigned'; readonly partition: number; readonly committed: number; readonly note?: StateNote }
  | { readonly at: 'note' | 'revoked'; readonly partition: number };

/** Needs the last `back` records of what is committed, and remembers what it is asked. */
class Remembered implements GroupState {
  readonly calls: Call[] = [];
  through = 7;
  keepsNothing = false;
  private readonly back: number;

  constructor(back = 4) {
    this.back = back;
  }

  get assignments(): Extract<Call, { at: 'assigned' }>[] {
    return this.calls.filter((call) => call.at === 'assigned');
  }

  /** Of one partition, in order. */
  of(partition: number): Call['at'][] {
    return this.calls.filter((call) => call.partition === partition).map(({ at }) => at);
  }

  assigned({ partition }: TopicPartition, committed: number, note: StateNote | undefined): number {
    this.calls.push({ at: 'assigned', partition, committed, ...(note === undefined ? {} : { note }) });
    return note?.replay ?? committed;
  }

  note({ partition }: TopicPartition, committable: number): StateNote | undefined {
    this.calls.push({ at: 'note', partition });
    return this.keepsNothing ? undefined : noteAt(committable, this.back, this.through);
  }

  revoked({ partition }: TopicPartition): void {
    this.calls.push({ at: 'revoked', partition });
  }
}

function noteAt(committable: number, back = 4, through = 7): StateNote {
  return { replay: Math.max(0, committable - back), watermark: committable * 10, through };
}

const replayedOf = (messages: readonly Message[]) => offsetsOf(messages.filter(({ isReplayed }) => isReplayed));

/** A group that has committed ten records of one partition with a note, and has no member now. */
async function tenCommitted(t: TestContext, log: Log, spec: { config?: Record<string, string> } = {}) {
  const topic = await createTopic(t, log, spec);
  const group = uniqueName('group');
  const lane = laneOf(t, log, topic);
  await store(lane, records(10));
  // Commits happen when the test asks for them.
  const options = { group, topics: [topic], from: 'earliest', commitInterval: 600_000 } as const;
  const first = new Joined(t, log, { ...options, state: new Remembered() }, ackAll);
  await first.seen.atLeast(10);
  await first.member.leave();
  const join = (state: GroupState, receive?: typeof ackAll, more: Partial<GroupOptions> = {}) =>
    new Joined(t, log, { ...options, ...more, state }, receive);
  return { topic, group, lane, join };
}

/** What the next member of the group sees for partition 0. */
async function nextAssignment(join: (state: GroupState) => Joined): Promise<unknown> {
  const state = new Remembered();
  const joined = join(state);
  await joined.owns(1);
  await joined.member.leave();
  return state.assignments[0];
}

const TEN = { at: 'assigned', partition: 0, committed: 10, note: noteAt(10) };

export function groupStateContract(subject: () => Subject): void {
  replaying(subject);
  keeping(subject);
  beginning(subject);
}

function replaying(subject: () => Subject): void {
  test('gives the next owner the note with its offset, and replays from where the state says', async (t) => {
    const { log } = subject();
    const { lane, join } = await tenCommitted(t, log);
    const state = new Remembered();
    const { seen } = join(state, ackAll);
    assert.deepEqual(offsetsOf(await seen.atLeast(4)), numbers(6, 10));
    assert.deepEqual(state.assignments, [TEN]);
    await store(lane, records(3, {}, 10));
    assert.deepEqual(offsetsOf(await seen.atLeast(7)), numbers(6, 13));
    assert.deepEqual(replayedOf(seen.messages), numbers(6, 10));
  });

  test('commits nothing before all that is replayed is settled', async (t) => {
    const { log } = subject();
    const { topic, group, lane, join } = await tenCommitted(t, log);
    await store(lane, records(2, {}, 10));
    const state = new Remembered();
    state.through = 8;
    const { seen, member } = join(state);
    const messages = await seen.atLeast(6);
    for (const message of messages) if (message.offset !== 8) message.ack();
    await commit(member);
    assert.deepEqual([...(await log.admin.committed(group, topic))], [[0, 10]]);
    assert.ok(!state.of(0).includes('note'), 'the state is not complete, so it is not asked');
    messages.find(({ offset }) => offset === 8)?.ack();
    await commit(member);
    assert.deepEqual([...(await log.admin.committed(group, topic))], [[0, 12]]);
    await member.leave();
    assert.deepEqual(await nextAssignment(join), { ...TEN, committed: 12, note: noteAt(12, 4, 8) });
  });

  test('is not held up by a replayed record that fails again', async (t) => {
    const { log } = subject();
    const { topic, group, lane, join } = await tenCommitted(t, log);
    await store(lane, records(2, {}, 10));
    const { seen, member } = join(new Remembered());
    for (const message of await seen.atLeast(6)) {
      if (message.offset === 8) message.nack(new TidegateError('TG_MESSAGE_INVALID', 'as it was the first time'));
      else message.ack();
    }
    await commit(member);
    assert.deepEqual([...(await log.admin.committed(group, topic))], [[0, 12]]);
    await member.leave();
  });

  test('leaves the commit as it was where its member leaves while it replays', async (t) => {
    const { log } = subject();
    const { join } = await tenCommitted(t, log);
    const state = new Remembered();
    state.through = 8;
    const { seen, member } = join(state);
    const [first] = await seen.atLeast(4);
    first?.ack();
    await member.leave();
    assert.deepEqual(state.of(0), ['assigned', 'revoked']);
    assert.deepEqual(await nextAssignment(join), TEN);
  });

  test('replays more than may be unsettled', async (t) => {
    const { log } = subject();
    const { lane, join } = await tenCommitted(t, log);
    await store(lane, records(5, {}, 10));
    const { seen } = join(new Remembered(), undefined, { maxUnsettled: 2 });
    assert.deepEqual(replayedOf(await seen.atLeast(6)), numbers(6, 10));
    await pass(300);
    assert.deepEqual(offsetsOf(seen.messages), numbers(6, 12), 'the two behind them count');
  });

  test('shows in `admit` what is replayed', async (t) => {
    const { log } = subject();
    const { join } = await tenCommitted(t, log);
    const asked: boolean[] = [];
    const admit = (messages: readonly Message[]) => {
      asked.push(...messages.map(({ isReplayed }) => isReplayed));
      return messages.length;
    };
    await join(new Remembered(), ackAll, { admit }).seen.atLeast(4);
    assert.deepEqual(asked, [true, true, true, true]);
  });

  test('leaves the state alone when it is sought: what was replayed is replayed again', async (t) => {
    const { log } = subject();
    const { topic, group, lane, join } = await tenCommitted(t, log);
    await store(lane, records(2, {}, 10));
    const state = new Remembered();
    const { seen, member } = join(state, ackAll);
    await seen.atLeast(6);
    member.seek({ topic, partition: 0 }, 8);
    assert.deepEqual(offsetsOf((await seen.atLeast(10)).slice(6)), numbers(8, 12));
    assert.deepEqual(replayedOf(seen.messages.slice(6)), [8, 9]);
    await commit(member);
    assert.deepEqual([...(await log.admin.committed(group, topic))], [[0, 12]]);
    assert.deepEqual(state.assignments, [TEN]);
  });

  test('goes on at the earliest record, with a gap, where what it would replay is gone', async (t) => {
    const { log, under } = subject();
    if (under.expire === undefined) {
      t.skip('the log cannot be made to drop records now');
      return;
    }
    const config = { 'retention.bytes': '1' };
    const { topic, group, lane, join } = await tenCommitted(t, log, { config });
    await store(lane, records(2, {}, 10));
    await under.expire(topic);
    const [{ earliest } = { earliest: -1 }] = await log.admin.offsets(topic);
    assert.equal(earliest, 10, 'the newest batch is left');
    const state = new Remembered();
    const { seen, gaps, member } = join(state, ackAll);
    assert.deepEqual(offsetsOf(await seen.atLeast(2)), [10, 11]);
    assert.deepEqual([gaps, replayedOf(seen.messages)], [[{ topic, partition: 0, from: 6, to: 10 }], []]);
    assert.deepEqual(state.assignments, [TEN], 'its watermark stays');
    await commit(member);
    assert.deepEqual([...(await log.admin.committed(group, topic))], [[0, 12]]);
  });
}

function keeping(subject: () => Subject): void {
  test('commits a note again that changed while the offset did not', async (t) => {
    const { log } = subject();
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
    const { log } = subject();
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
    const { log } = subject();
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

function beginning(subject: () => Subject): void {
  test('replays nothing where a commit has no note, as those of earlier versions', async (t) => {
    const { log } = subject();
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
    const { log } = subject();
    const { topic, group, join } = await tenCommitted(t, log);
    const other = new Joined(t, log, { group, topics: [topic], from: 'earliest', commitInterval: 600_000 }, ackAll);
    await other.owns(1);
    await commit(other.member);
    await other.member.leave();
    assert.deepEqual(await nextAssignment(join), TEN);
  });

  test('begins without a note in a topic that was created again', async (t) => {
    const { log } = subject();
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
    const { log } = subject();
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
    const { log } = subject();
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
    const { log } = subject();
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
