import assert from 'node:assert/strict';
import { TidegateError } from '../../core/errors.ts';
import type { GroupState } from '../../core/group-state.ts';
import type { Log, TopicPartition } from '../../core/log.ts';
import { Message } from '../../core/message.ts';
import { Outgoing } from '../../pipelines/state/outgoing.ts';
import type { CaseContext, Register } from './case.ts';
import { createTopic, eventually, pass, readAll, texts } from './fixture.ts';
import { committedOf, Letters, stored, tenRead } from './transaction-fixture.ts';

/** A state that notes nothing of interest. */
const STATE: GroupState = {
  assigned: (_: TopicPartition, committed: number) => committed,
  note: () => ({ replay: 0, watermark: 0, through: 0 }),
  revoked: () => undefined,
};

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
async function refusedResult(t: CaseContext, log: Log) {
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

export function transactionResultCases(test: Register): void {
  test('makes no transaction from when a result of a state is refused until its dead letter waits', async (t) => {
    const { log } = t;
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
    const { log } = t;
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
