import assert from 'node:assert/strict';
import { TidegateError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import type { Register } from './case.ts';
import { commit } from './commit.ts';
import { ackAll, numbers, offsetsOf, pass, records, store } from './fixture.ts';
import { nextAssignment, noteAt, Remembered, replayedOf, TEN, tenCommitted } from './group-state-fixture.ts';

export function groupReplayingCases(test: Register): void {
  test('gives the next owner the note with its offset, and replays from where the state says', async (t) => {
    const { log } = t;
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
    const { log } = t;
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
    const { log } = t;
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
    const { log } = t;
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
    const { log } = t;
    const { lane, join } = await tenCommitted(t, log);
    await store(lane, records(5, {}, 10));
    const { seen } = join(new Remembered(), undefined, { maxUnsettled: 2 });
    assert.deepEqual(replayedOf(await seen.atLeast(6)), numbers(6, 10));
    await pass(300);
    assert.deepEqual(offsetsOf(seen.messages), numbers(6, 12), 'the two behind them count');
  });

  test('shows in `admit` what is replayed', async (t) => {
    const { log } = t;
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
    const { log } = t;
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
    const { log, under } = t;
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
