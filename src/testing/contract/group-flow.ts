import assert from 'node:assert/strict';
import type { Batch } from '../../core/batch.ts';
import { Message } from '../../core/message.ts';
import type { Register } from './case.ts';
import {
  ackAll,
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
} from './fixture.ts';
import { committedOf, holding, place } from './group-fixture.ts';

export function groupFlowCases(test: Register): void {
  test('gives nothing while it is paused and everything after', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log);
    const lane = laneOf(t, log, topic);
    const joined = new Joined(t, log, { group: uniqueName('group'), topics: [topic], from: 'earliest' }, ackAll);
    await store(lane, records(2));
    await joined.seen.atLeast(2);
    joined.member.pause();
    await pass(200);
    await store(lane, records(3, {}, 2));
    await pass(400);
    assert.equal(joined.seen.messages.length, 2);
    joined.member.resume();
    assert.deepEqual(offsetsOf(await joined.seen.atLeast(5)), numbers(0, 5));
  });

  test('pauses single partitions', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log, { partitions: 2 });
    const lane = laneOf(t, log, topic);
    const joined = new Joined(t, log, { group: uniqueName('group'), topics: [topic], from: 'earliest' }, ackAll);
    await joined.owns(2);
    joined.member.pause([{ topic, partition: 0 }]);
    await pass(200);
    await store(lane, [record('held', { key: '21' }), record('goes', { key: 'abc' })]);
    await joined.seen.atLeast(1);
    await pass(400);
    assert.deepEqual(joined.seen.messages.map(place), ['1/0']);
    joined.member.resume([{ topic, partition: 0 }]);
    assert.deepEqual((await joined.seen.atLeast(2)).map(place), ['1/0', '0/0']);
  });

  test('knows how far behind it is also while it reads nothing', async (t) => {
    const { log } = t;
    const { topic, lane, joined, member } = await holding(t, log, 5);
    member.pause([{ topic, partition: 0 }]);
    await store(lane, records(7));
    // What a fetch under way still brings is no less behind.
    const behind = () => (member.lag().get(topic)?.get(0) ?? 0) + joined.seen.messages.length - 5;
    await eventually(async () => behind() === 7, 'lag is 7');
    member.pause();
    member.resume([{ topic, partition: 0 }]);
    await store(lane, records(4));
    await eventually(async () => behind() === 11, 'lag is 11');
  });

  test('stops ahead of unsettled records, by maxUnsettled, and goes on when they are settled', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log);
    const lane = laneOf(t, log, topic);
    const payload = Buffer.alloc(100_000);
    for (let send = 0; send < 10; send += 1)
      await store(
        lane,
        numbers(0, 8).map(() => new Message(payload)),
      );
    const maxUnsettled = 10;
    const settleAll = { is: false };
    const receive = (batch: Batch) => {
      if (settleAll.is) batch.ack();
    };
    const options = { group: uniqueName('group'), topics: [topic], from: 'earliest', maxUnsettled } as const;
    const joined = new Joined(t, log, options, receive);
    await joined.seen.atLeast(maxUnsettled);
    await pass(600);
    const ahead = joined.seen.messages.length;
    // One fetch more may have been under way: 1 MiB at most.
    assert.ok(ahead < maxUnsettled + 11, `${ahead} records came`);
    const lag = joined.member.lag().get(topic)?.get(0) ?? 0;
    assert.ok(lag > 0 && lag <= 80 - maxUnsettled, `lag is ${lag}`);
    settleAll.is = true;
    for (const message of [...joined.seen.messages]) message.ack();
    assert.deepEqual(offsetsOf(await joined.seen.atLeast(80)), numbers(0, 80));
    await eventually(async () => joined.member.lag().get(topic)?.get(0) === 0, 'lag is 0');
  });

  test('takes no more than is admitted, and reads the rest again once the partition is resumed', async (t) => {
    const { log } = t;
    const topic = await createTopic(t, log);
    await store(laneOf(t, log, topic), records(20));
    const group = uniqueName('group');
    const asked: number[] = [];
    const admit = ([first]: readonly Message[]) => {
      asked.push(first?.offset ?? -1);
      joined.member.pause([{ topic, partition: 0 }]);
      return isOpen ? 3 : 0;
    };
    let isOpen = true;
    const joined: Joined = new Joined(t, log, { group, topics: [topic], from: 'earliest', admit }, ackAll);
    for (let from = 0; from < 18; from += 3) {
      await joined.seen.atLeast(from + 3);
      assert.deepEqual(offsetsOf(joined.seen.messages), numbers(0, from + 3));
      joined.member.resume([{ topic, partition: 0 }]);
    }
    await eventually(async () => asked.length === 7, 'asked for the last two');
    assert.deepEqual(asked, [0, 3, 6, 9, 12, 15, 18]);
    isOpen = false;
    await store(laneOf(t, log, topic), records(2));
    joined.member.resume([{ topic, partition: 0 }]);
    await eventually(async () => asked.at(-1) === 20, 'asked for those that came');
    assert.equal(joined.seen.messages.length, 20);
    await eventually(async () => (await committedOf(log, group, topic))[0] === 20, 'what came is committed');
  });
}
