import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { Batch } from '../../src/core/batch.ts';
import { TidegateError } from '../../src/core/errors.ts';
import type { GroupState, StateNote } from '../../src/core/group-state.ts';
import type { GroupOptions, Log, TopicPartition, TransactionOptions } from '../../src/core/log.ts';
import { Message, type SettleTarget, type Tracker } from '../../src/core/message.ts';
import { Outgoing } from '../../src/pipelines/state/outgoing.ts';
import type { Subject, SuiteOptions } from './log-contract.ts';
import {
  createTopic,
  eventually,
  Joined,
  laneOf,
  numbers,
  offsetsOf,
  openReader,
  pass,
  readAll,
  records,
  store,
  texts,
  uniqueName,
} from './log-fixture.ts';

/** No transaction is made by itself. */
const NEVER = 600_000;
const AT_A_TIME = 6;

/** What became of a message, in the place of its own target. */
class Outcome implements SettleTarget {
  readonly settledAs: (string | null)[] = [];

  settled(message: Message, failure: TidegateError | null): void {
    this.settledAs.push(failure === null ? message.outcome : failure.code);
  }
}

const transactions = (more: Partial<TransactionOptions> = {}): TransactionOptions => ({
  name: uniqueName('writer'),
  interval: NEVER,
  bytes: 1_000_000,
  ...more,
});

/** Two topics, and a member that was given ten records of the first one and has settled none. */
async function tenRead(t: TestContext, log: Log, more: Partial<GroupOptions> = {}) {
  const [source, results] = [await createTopic(t, log), await createTopic(t, log)];
  const group = uniqueName('group');
  const lane = laneOf(t, log, source);
  await store(lane, records(10));
  const options = {
    group,
    topics: [source],
    from: 'earliest',
    commitInterval: NEVER,
    transactions: transactions(),
    ...more,
  } as const;
  const joined = new Joined(t, log, options);
  const messages = await joined.seen.atLeast(10);
  return { source, results, group, lane, options, joined, member: joined.member, messages };
}

const resultOf = (message: Message) => message.derive({ payload: Buffer.from(`r${message.text}`) });
const committedOf = async (log: Log, group: string, topic: string) =>
  (await log.admin.committed(group, topic)).get(0) ?? 0;

/** What a topic holds once it holds that many: a transaction is committed a moment before its records can be read. */
async function stored(t: TestContext, log: Log, topic: string, count: number): Promise<Message[]> {
  const { reader, seen } = await openReader(t, log, [topic], 'earliest');
  await seen.atLeast(count);
  await pass(100);
  await reader.close();
  return seen.messages;
}

export function transactionContract(subject: () => Subject, options: SuiteOptions): void {
  describe('a group member with transactions', { ...options, concurrency: AT_A_TIME }, () => {
    committing(subject);
    refusing(subject);
    refusingResults(subject);
    owning(subject);
  });
}

function committing(subject: () => Subject): void {
  test('stores results and commits what they were made of, and acks them then', async (t) => {
    const { log } = subject();
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
    const { log } = subject();
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
    const { log } = subject();
    const { source, results, group, member, messages } = await tenRead(t, log);
    for (const message of messages.slice(0, 3)) message.ack('filtered');
    await member.commit();
    assert.equal(await committedOf(log, group, source), 3);
    assert.deepEqual(await readAll(t, log, results), []);
  });

  test('leaves results to a later transaction whose records are behind one that is not done', async (t) => {
    const { log } = subject();
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
    const { log } = subject();
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
    const { log } = subject();
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
    const { log } = subject();
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
    const { log } = subject();
    const { results, member } = await tenRead(t, log, { transactions: undefined as never });
    const outcome = new Outcome();
    member.write(results, [new Message(Buffer.from('x'), { target: outcome })]);
    assert.deepEqual(outcome.settledAs, ['TG_GROUP_FAILED']);
  });
}

function refusing(subject: () => Subject): void {
  test('refuses a message that is too large before it counts, and stores the others', async (t) => {
    const { log } = subject();
    const { source, group, member, messages } = await tenRead(t, log);
    const small = await createTopic(t, log, { config: { 'max.message.bytes': '2000' } });
    const [first, second, third] = messages as [Message, Message, Message];
    const large = first.derive({ payload: Buffer.alloc(4_000) });
    const tracked: string[] = [];
    // As a pipeline with dead letters does.
    large.tracker = {
      takeOver: (message, failure) => {
        tracked.push(failure.code);
        message.derive({}).ack('dead_letter');
        return true;
      },
      settled: () => undefined,
    };
    member.write(small, [large, resultOf(second), resultOf(third)]);
    await eventually(async () => tracked.length === 1, 'it is refused');
    await member.commit();
    assert.deepEqual(tracked, ['TG_RECORD_TOO_LARGE']);
    assert.deepEqual(texts(await stored(t, log, small, 2)), ['r1', 'r2']);
    assert.equal(await committedOf(log, group, source), 3);
  });

  test('stores the dead letter of a record that is refused only when it is committed, and what is behind it', async (t) => {
    const { log } = subject();
    const { source, results, group, member, messages } = await tenRead(t, log);
    const gone = await createTopic(t, log);
    const letters = new Letters();
    const refused = messages.slice(2, 4).map(resultOf);
    for (const message of refused) message.tracker = letters;
    // The topic was there a moment ago.
    member.write(gone, messages.slice(0, 1).map(resultOf));
    await pass(100);
    await member.commit();
    assert.equal(await committedOf(log, group, source), 1);
    member.write(results, messages.slice(1, 2).map(resultOf));
    member.write(gone, refused.slice(0, 1));
    await pass(100);
    await log.admin.delete(gone);
    const commits = (offset: number) =>
      eventually(async () => {
        await member.commit().catch(() => undefined);
        member.write(results, letters.taken.splice(0));
        return (await committedOf(log, group, source)) === offset;
      }, `${offset} is committed`);
    await commits(3);
    member.write(gone, refused.slice(1));
    member.write(results, messages.slice(4).map(resultOf));
    await commits(10);
    assert.deepEqual(
      texts(await stored(t, log, results, 9)).sort(),
      numbers(1, 10).map((at) => `r${at}`),
    );
  });

  test('stops in front of a message that the log refuses, and stores those in front of it', async (t) => {
    const { log } = subject();
    const { source, results, group, member, messages } = await tenRead(t, log);
    const missing = uniqueName('missing');
    const refused = resultOf(messages[2] as Message);
    member.write(results, messages.slice(0, 2).map(resultOf));
    member.write(missing, [refused]);
    member.write(results, messages.slice(3, 6).map(resultOf));
    await eventually(async () => {
      await member.commit().catch(() => undefined);
      return refused.isSettled && (await committedOf(log, group, source)) === 2;
    }, 'it is refused');
    assert.deepEqual(texts(await stored(t, log, results, 2)), ['r0', 'r1']);
  });
}

/** A state that notes nothing of interest. */
const STATE: GroupState = {
  assigned: (_: TopicPartition, committed: number) => committed,
  note: () => ({ replay: 0, watermark: 0, through: 0 }),
  revoked: () => undefined,
};

/** Dead letters that are written when the test says so. */
class Letters implements Tracker {
  readonly taken: Message[] = [];

  takeOver(message: Message): boolean {
    this.taken.push(message.derive({}));
    return true;
  }

  settled(): void {}
}

/** What operators give out, as a pipeline hands it on, in one batch. */
function givenOut(count: number): readonly Message[] {
  const outgoing = new Outgoing();
  const results = Array.from({ length: count }, (_, at) => new Message(Buffer.from(`w${at}`)));
  outgoing.add(
    results,
    () => undefined,
    () => 'ready',
  );
  return outgoing.next()?.messages ?? [];
}

/** A member with a state, and the results of a window: the first one for a topic that is gone when it is to be committed. */
async function refusedResult(t: TestContext, log: Log) {
  const read = await tenRead(t, log, { state: STATE });
  const gone = await createTopic(t, log);
  const [refused, other] = givenOut(2) as [Message, Message];
  const letters = new Letters();
  refused.tracker = letters;
  for (const message of read.messages) message.ack('filtered');
  read.member.write(gone, [refused]);
  read.member.write(read.results, [other]);
  await pass(100);
  await log.admin.delete(gone);
  return { ...read, refused, other, letters };
}

function refusingResults(subject: () => Subject): void {
  test('makes no transaction from when a result of a state is refused until its dead letter waits', async (t) => {
    const { log } = subject();
    const { source, results, group, member, other, letters } = await refusedResult(t, log);
    await eventually(async () => {
      await member.commit().catch(() => undefined);
      return letters.taken.length === 1;
    }, 'it is refused');
    await member.commit();
    assert.deepEqual([await committedOf(log, group, source), other.isSettled], [0, false]);
    member.write(results, letters.taken);
    await pass(100);
    await member.commit();
    assert.deepEqual([await committedOf(log, group, source), other.isSettled], [10, true]);
    assert.deepEqual(texts(await stored(t, log, results, 2)).sort(), ['w0', 'w1']);
  });

  test('commits nothing more where such a result has failed for good, and ends', async (t) => {
    const { log } = subject();
    const { source, results, group, member, joined, letters } = await refusedResult(t, log);
    await eventually(async () => {
      await member.commit().catch(() => undefined);
      return letters.taken.length === 1;
    }, 'it is refused');
    (letters.taken[0] as Message).tracker = undefined;
    letters.taken[0]?.nack(new TidegateError('TG_RECORD_REFUSED', 'no dead letter either'));
    await member.commit().catch(() => undefined);
    assert.equal((joined.seen.error as TidegateError).code, 'TG_TOPIC_MISSING');
    await member.leave();
    assert.equal(await committedOf(log, group, source), 0);
    assert.deepEqual(await readAll(t, log, results), []);
  });
}

function owning(subject: () => Subject): void {
  test('commits nothing by itself when it leaves, but what was written', async (t) => {
    const { log } = subject();
    const { source, results, group, options, member, messages } = await tenRead(t, log);
    member.write(results, messages.slice(0, 3).map(resultOf));
    await member.leave();
    assert.equal(await committedOf(log, group, source), 3);
    const next = new Joined(t, log, { ...options, transactions: transactions() });
    assert.deepEqual(offsetsOf(await next.seen.atLeast(7)), numbers(3, 10));
    assert.deepEqual(texts(await stored(t, log, results, 3)), ['r0', 'r1', 'r2']);
  });

  test('stores each result once while members come and go under load', async (t) => {
    const { log } = subject();
    const [source, results] = [await createTopic(t, log, { partitions: 4 }), await createTopic(t, log)];
    const group = uniqueName('group');
    const lane = laneOf(t, log, source);
    const make = () => {
      const joined: { member?: Joined['member'] } = {};
      const receive = (batch: Batch) => joined.member?.write(results, batch.messages.map(resultOf));
      const options = {
        group,
        topics: [source],
        from: 'earliest',
        transactions: transactions({ interval: 20 }),
      } as const;
      // Its first batch comes after the constructor.
      const member = new Joined(t, log, options, receive);
      joined.member = member.member;
      return member;
    };
    const sent = 3_000;
    const load = (async () => {
      for (let from = 0; from < sent; from += 50) {
        await store(
          lane,
          records(50, {}, from).map((message, at) => message.withKey(`k${(from + at) % 40}`)),
        );
        await pass(20);
      }
    })();
    const first = make();
    await first.owns(4);
    const second = make();
    await second.owns(2);
    await first.member.leave();
    await second.owns(4);
    const third = make();
    await third.owns(2);
    await load;
    await eventually(async () => {
      const committed = await log.admin.committed(group, source);
      return [...committed.values()].reduce((sum, offset) => sum + offset, 0) === sent;
    }, 'all is committed');
    const { seen } = await openReader(t, log, [results], 'earliest');
    await seen.atLeast(sent);
    await pass(200);
    assert.deepEqual(
      texts(seen.messages).sort(),
      numbers(0, sent)
        .map((at) => `r${at}`)
        .sort(),
    );
  });
}
