import assert from 'node:assert/strict';
import type { Message } from '../../core/message.ts';
import type { Register } from './case.ts';
import { createTopic, eventually, numbers, pass, texts, uniqueName } from './fixture.ts';
import { committedOf, Letters, resultOf, stored, tenRead } from './transaction-fixture.ts';

export function transactionRefusalCases(test: Register): void {
  test('refuses a message that is too large before it counts, and stores the others', async (t) => {
    const { log } = t;
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
    const { log } = t;
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
    const { log } = t;
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
