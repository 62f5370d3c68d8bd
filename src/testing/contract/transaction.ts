import assert from 'node:assert/strict';
import type { GroupState, StateNote } from '../../core/group-state.ts';
import type { TopicPartition } from '../../core/log.ts';
import { Message } from '../../core/message.ts';
import type { Register } from './case.ts';
import { createTopic, eventually, Joined, openReader, pass, readAll, texts } from './fixture.ts';
import { committedOf, Outcome, resultOf, stored, tenRead, transactions } from './transaction-fixture.ts';

export function transactionCases(test: Register): void {
  test('stores results and commits what they were made of, and acks them then', async (t) => {
    const { log } = t;
    const { source, results, group, member, messages } = await tenRead(t, log);
    const written = messages.slice(0, 4).map(resultOf);
    member.write(results, written);
    await pass(100);
    assert.ok(written.every((message) => !message.isSettled));
    assert.deepEqual(await readAll(t, log, results), []);
    assert.equal(await committedOf(log, group, source), 0);
    await member.commit();
    assert.ok(written.every((message) => message.isSettled));
    assert.deepEqual([written[3]?.topic, written[3]?.partition, written[3]?.offset], [results, 0, 3]);
    assert.deepEqual(texts(await stored(t, log, results, 4)), ['r0', 'r1', 'r2', 'r3']);
    assert.equal(await committedOf(log, group, source), 4);
    // The offsets of a topic of transactions have gaps.
    member.write(results, messages.slice(4, 6).map(resultOf));
    await member.commit();
    const { seen } = await openReader(t, log, [results], 'earliest');
    assert.deepEqual(texts(await seen.atLeast(6)), ['r0', 'r1', 'r2', 'r3', 'r4', 'r5']);
  });

  test('makes a transaction by itself after a while, by size, and where it is paused', async (t) => {
    const { log } = t;
    const soon = await tenRead(t, log, { transactions: transactions({ interval: 100 }) });
    soon.member.write(soon.results, soon.messages.map(resultOf));
    const large = await tenRead(t, log, { transactions: transactions({ bytes: 15 }) });
    large.member.write(large.results, large.messages.map(resultOf));
    const paused = await tenRead(t, log);
    paused.member.write(paused.results, paused.messages.map(resultOf));
    paused.member.pause();
    for (const { group, source } of [soon, large, paused])
      await eventually(async () => (await committedOf(log, group, source)) === 10, 'all is committed');
  });

  test('commits what was filtered, without a result', async (t) => {
    const { log } = t;
    const { source, results, group, member, messages } = await tenRead(t, log);
    for (const message of messages.slice(0, 3)) message.ack('filtered');
    await member.commit();
    assert.equal(await committedOf(log, group, source), 3);
    assert.deepEqual(await readAll(t, log, results), []);
  });

  test('leaves results to a later transaction whose records are behind one that is not done', async (t) => {
    const { log } = t;
    const { source, results, group, member, messages } = await tenRead(t, log);
    const behind = messages.slice(5).map(resultOf);
    member.write(results, [...messages.slice(0, 2).map(resultOf), ...behind]);
    await member.commit();
    assert.deepEqual(texts(await stored(t, log, results, 2)), ['r0', 'r1']);
    assert.equal(await committedOf(log, group, source), 2);
    assert.ok(behind.every((message) => !message.isSettled));
    for (const message of messages.slice(2, 5)) message.ack('filtered');
    await member.commit();
    assert.equal(await committedOf(log, group, source), 10);
    assert.equal((await stored(t, log, results, 7)).length, 7);
  });

  test('takes all parts of a record that was split, or none', async (t) => {
    const { log } = t;
    const { source, results, group, member, messages } = await tenRead(t, log);
    const parts = (messages[0] as Message).split([{ payload: Buffer.from('a') }, { payload: Buffer.from('b') }]);
    member.write(results, parts.slice(0, 1));
    await member.commit();
    assert.equal(await committedOf(log, group, source), 0);
    member.write(results, parts.slice(1));
    await member.commit();
    assert.deepEqual(texts(await stored(t, log, results, 2)), ['a', 'b']);
    assert.equal(await committedOf(log, group, source), 1);
    assert.ok(messages[0]?.isSettled);
  });

  test('stores the copies of a record in all of their topics, or none', async (t) => {
    const { log } = t;
    const { source, results, group, member, messages } = await tenRead(t, log);
    const others = await createTopic(t, log);
    const copies = messages.slice(0, 2).map((message) => message.copies(2));
    member.write(
      results,
      copies.flatMap((both) => both.slice(0, 1)),
    );
    await member.commit();
    assert.deepEqual([await readAll(t, log, results), await committedOf(log, group, source)], [[], 0]);
    member.write(others, copies[0]?.slice(1) ?? []);
    await pass(100);
    await member.commit();
    assert.deepEqual(texts(await stored(t, log, results, 1)), ['0']);
    assert.deepEqual(texts(await stored(t, log, others, 1)), ['0']);
    assert.equal(await committedOf(log, group, source), 1);
  });

  test('commits the note of a state with its results', async (t) => {
    const { log } = t;
    const note: StateNote = { replay: 2, watermark: 20, through: 40 };
    const given: (StateNote | undefined)[] = [];
    const state: GroupState = {
      assigned: (_: TopicPartition, committed: number, before: StateNote | undefined) => {
        given.push(before);
        return before?.replay ?? committed;
      },
      note: () => note,
      revoked: () => undefined,
    };
    const { results, options, member, messages } = await tenRead(t, log, { state });
    const result = new Message(Buffer.from('window'));
    result.settleTo({ settled: () => undefined });
    for (const message of messages.slice(0, 5)) message.ack();
    member.write(results, [result]);
    await member.commit();
    await member.leave();
    const next = new Joined(t, log, { ...options, state });
    const replayed = await next.seen.atLeast(8);
    assert.deepEqual(given, [undefined, note]);
    assert.deepEqual(
      replayed.map(({ isReplayed }) => isReplayed),
      [true, true, true, false, false, false, false, false],
    );
    assert.deepEqual(texts(await stored(t, log, results, 1)), ['window']);
  });

  test('writes nothing where it was made without transactions', async (t) => {
    const { log } = t;
    const { results, member } = await tenRead(t, log, { transactions: undefined as never });
    const outcome = new Outcome();
    member.write(results, [new Message(Buffer.from('x'), { target: outcome })]);
    assert.deepEqual(outcome.settledAs, ['TG_GROUP_FAILED']);
  });
}
