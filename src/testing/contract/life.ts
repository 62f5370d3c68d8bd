import assert from 'node:assert/strict';
import { firstValueFrom } from 'rxjs';
import { filter } from 'rxjs/operators';
import type { Log } from '../../core/log.ts';
import type { Register } from './case.ts';
import {
  ackAll,
  createTopic,
  Joined,
  laneOf,
  openReader,
  readAll,
  records,
  store,
  texts,
  uniqueName,
} from './fixture.ts';

function isUp(log: Log): Promise<unknown> {
  return firstValueFrom(log.link$.pipe(filter(({ state }) => state === 'up')));
}

export function lifeCases(test: Register): void {
  test('reports its link to each subscriber, up once it can be reached', async (t) => {
    const { under } = t;
    await isUp(under.log);
    assert.deepEqual(await firstValueFrom(under.log.link$), { state: 'up' });
    assert.equal(typeof under.log.driver, 'string');
  });

  test('a close ends what is pending: sends, readers and members', async (t) => {
    const { under } = t;
    const { log } = under;
    await isUp(log);
    const topic = await createTopic(t, log);
    const lane = laneOf(t, log, topic);
    const { seen } = await openReader(t, log, [topic], 'earliest');
    const joined = new Joined(t, log, { group: uniqueName('group'), topics: [topic], from: 'earliest' });
    await joined.owns(1);
    const pending = lane.send(records(3)).then(
      (refusals) => ({ refusals }),
      (failure: { code?: string }) => ({ code: failure.code }),
    );
    await log.close();
    // Stored just before, or ended: either is right, hanging is not.
    const outcome = await pending;
    assert.ok('refusals' in outcome || outcome.code === 'TG_LOG_UNAVAILABLE');
    assert.equal(seen.isComplete, true);
    assert.equal(joined.seen.isComplete, true);
    await assert.rejects(lane.send(records(1)), { code: 'TG_LOG_UNAVAILABLE' });
    await assert.rejects(log.admin.topics(), { code: 'TG_LOG_UNAVAILABLE' });
  });

  test('records, topics and committed offsets are there after a close and an open', async (t) => {
    const { under } = t;
    if (under.reopen === undefined) return t.skip('nothing of this log survives a close');
    await isUp(under.log);
    const topic = await createTopic(t, under.log, { partitions: 2, config: { 'max.message.bytes': '70000' } });
    const group = uniqueName('group');
    await store(laneOf(t, under.log, topic), records(10, { key: '21', headers: [['a', 'b']] }));
    const before = new Joined(t, under.log, { group, topics: [topic], from: 'earliest' });
    for (const message of (await before.seen.atLeast(10)).slice(0, 4)) message.ack();
    await before.member.leave();

    const log = await under.reopen();
    await isUp(log);
    assert.deepEqual(await log.admin.describe(topic), { name: topic, partitions: 2, maxMessageBytes: 70_000 });
    const stored = await readAll(t, log, topic);
    assert.deepEqual(texts(stored), texts(records(10)));
    assert.equal(stored[9]?.headers[0]?.toString(), 'a,b');
    const [next] = records(1, { key: '21' }, 10);
    assert.ok(next !== undefined);
    await store(laneOf(t, log, topic), [next]);
    assert.equal(next.offset, 10);
    const after = new Joined(t, log, { group, topics: [topic], from: 'latest' }, ackAll);
    assert.deepEqual(texts(await after.seen.atLeast(7)), texts(records(7, {}, 4)));
    await log.admin.delete(topic);
  });
}
