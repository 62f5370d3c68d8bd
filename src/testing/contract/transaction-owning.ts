import assert from 'node:assert/strict';
import type { Batch } from '../../core/batch.ts';
import type { Register } from './case.ts';
import {
  createTopic,
  eventually,
  Joined,
  laneOf,
  numbers,
  offsetsOf,
  openReader,
  pass,
  records,
  store,
  texts,
  uniqueName,
} from './fixture.ts';
import { committedOf, resultOf, stored, tenRead, transactions } from './transaction-fixture.ts';

export function transactionOwningCases(test: Register): void {
  test('commits nothing by itself when it leaves, but what was written', async (t) => {
    const { log } = t;
    const { source, results, group, options, member, messages } = await tenRead(t, log);
    member.write(results, messages.slice(0, 3).map(resultOf));
    await member.leave();
    assert.equal(await committedOf(log, group, source), 3);
    const next = new Joined(t, log, { ...options, transactions: transactions() });
    assert.deepEqual(offsetsOf(await next.seen.atLeast(7)), numbers(3, 10));
    assert.deepEqual(texts(await stored(t, log, results, 3)), ['r0', 'r1', 'r2']);
  });

  test('stores each result once while members come and go under load', async (t) => {
    const { log } = t;
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
