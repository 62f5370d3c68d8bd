import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Batch } from '../../../../src/core/batch.ts';
import type { GroupEvent, GroupOptions } from '../../../../src/core/log.ts';
import { createStats } from '../../../../src/telemetry/stats.ts';
import { GroupCoordinator } from '../../../../src/transports/embedded/group/coordinator.ts';
import { EmbeddedMember } from '../../../../src/transports/embedded/group/group.ts';
import { keptLogger } from '../../actors/rig.ts';
import { append, HandClock, message, openStore } from './parts.ts';

const turns = async (count = 5) => {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** A group of a topic with so many partitions, each of which has three records. */
async function group(t: TestContext, partitions = 2) {
  const store = await openStore(t);
  const topic = await store.createTopic('t', partitions, {});
  assert.ok(topic !== undefined);
  for (const partition of topic.partitions)
    await append(
      store,
      partition,
      ['a', 'b', 'c'].map((text) => message(text)),
    );
  const clock = new HandClock();
  const stats = createStats();
  const kept = keptLogger();
  const coordinator = new GroupCoordinator('g', store, stats);
  const join = (options: Partial<GroupOptions> = {}) => {
    const left: EmbeddedMember[] = [];
    const member = new EmbeddedMember(
      { group: 'g', topics: ['t'], from: 'earliest', ...options },
      {
        store,
        coordinator,
        logger: kept.logger,
        stats,
        clock,
        writing: { maxRecord: 1_000_000, grew: () => undefined, wrote: () => undefined },
        left: (one) => void left.push(one),
      },
    );
    const events: GroupEvent[] = [];
    const batches: Batch[] = [];
    member.events$.subscribe((event) => events.push(event));
    const subscription = member.batches$.subscribe((batch) => batches.push(batch));
    t.after(() => member.leave());
    const texts = () => batches.flatMap(({ messages }) => messages.map((one) => `${one.partition}/${one.offset}`));
    return { member, events, batches, left, texts, subscription };
  };
  const assigned = (events: readonly GroupEvent[]) =>
    events.flatMap((event) => (event.type === 'assigned' ? [event] : []));
  const lag = () => {
    const metric = stats.snapshot().find(({ name }) => name === 'tidegate_consumer_lag');
    return metric?.points.map((point) => [point.labels.partition, 'value' in point ? point.value : undefined]) ?? [];
  };
  return { store, topic, clock, stats, coordinator, join, assigned, lag, ...kept };
}

test('the partitions that a member gains, loses and has are reported once', async (t) => {
  const { join, assigned } = await group(t, 3);
  const first = join();
  await turns();
  const second = join();
  await turns();
  const third = join();
  await turns();
  const facts = assigned(first.events).map(({ partitions, added, removed }) =>
    [partitions, added, removed].map((places) => places.map(({ partition }) => partition)),
  );
  assert.deepEqual(facts, [
    [[0, 1, 2], [0, 1, 2], []],
    [[0, 1], [], [2]],
    [[0], [], [1]],
  ]);
  const shares = [second, third].map(({ events }) =>
    assigned(events)
      .at(-1)
      ?.partitions.map(({ partition }) => partition),
  );
  assert.deepEqual(shares, [[2], [1]]);
});

test('a member that leaves says so once, and is read no more', async (t) => {
  const { join, store, topic } = await group(t);
  const { member, events, left, texts, batches } = join();
  await turns();
  assert.equal(texts().length, 6);
  for (const batch of batches) batch.ack();
  await Promise.all([member.leave(), member.leave()]);
  assert.deepEqual([left, events.at(-1)?.type], [[member], 'left']);
  assert.deepEqual(
    topic.partitions.map((partition) => store.offsets.of('g', partition)?.offset),
    [3, 3],
  );
  assert.ok(topic.partitions[0] !== undefined);
  await append(store, topic.partitions[0], [message('d')]);
  await turns();
  assert.equal(texts().length, 6);
  assert.equal(topic.partitions[0].watchers.size, 0);
});

test('the lag of a partition is what is behind the last settled record, until another member has it', async (t) => {
  const { join, lag } = await group(t);
  const { member, batches } = join();
  await turns();
  assert.deepEqual(lag(), [
    ['0', 3],
    ['1', 3],
  ]);
  batches
    .flatMap(({ messages }) => messages)
    .find((one) => one.partition === 1 && one.offset === 0)
    ?.ack();
  assert.deepEqual(lag(), [
    ['0', 3],
    ['1', 2],
  ]);
  assert.deepEqual(
    member.lag(),
    new Map([
      [
        't',
        new Map([
          [0, 0],
          [1, 0],
        ]),
      ],
    ]),
    'what is not read yet',
  );
  await member.leave();
  assert.deepEqual(lag(), []);
});

test('a member whose reading fails reports it, and is assigned its partitions again after a second', async (t) => {
  const { join, assigned, store, clock } = await group(t, 1);
  const { read } = store.records;
  store.records.read = () => {
    throw new Error('the page cannot be read');
  };
  const { events, texts } = join();
  await turns();
  const failed = events.find((event) => event.type === 'failed');
  assert.equal(failed?.reason.code, 'TG_GROUP_FAILED');
  assert.match(failed?.reason.message ?? '', /reading for the group g: the page cannot be read/);
  store.records.read = read;
  clock.advance(999);
  await turns();
  assert.deepEqual([assigned(events).length, texts()], [1, []]);
  clock.advance(1);
  await turns();
  assert.deepEqual(
    events.map(({ type }) => type),
    ['joining', 'assigned', 'failed', 'joining', 'rebalancing', 'assigned'],
  );
  assert.deepEqual(texts(), ['0/0', '0/1', '0/2']);
});

test('a member that failed and leaves does not come back', async (t) => {
  const { join, store, clock } = await group(t, 1);
  store.records.read = () => {
    throw new Error('the page cannot be read');
  };
  const { member, events } = join();
  await turns();
  await member.leave();
  const { length } = events;
  clock.advance(60_000);
  await turns();
  assert.equal(events.length, length);
  assert.equal(clock.pending, 0);
});

test('offsets are committed once a second, or as configured, and a failed commit is tried again', async (t) => {
  const { join, store, topic, clock, warnings } = await group(t, 1);
  const [partition] = topic.partitions;
  assert.ok(partition !== undefined);
  const { batches } = join({ commitInterval: 300 });
  const { commit } = store.offsets;
  /** What is committed, once everything is that was begun: transactions end in order. */
  const committed = async () => {
    await turns(20);
    await commit.call(store.offsets, 'other', new Map([[partition, { offset: 1 }]]));
    return store.offsets.of('g', partition)?.offset;
  };
  assert.equal(await committed(), 0, 'where it begins is committed at once');
  const messages = batches.flatMap((batch) => batch.messages);
  messages[0]?.ack();
  clock.advance(299);
  assert.equal(await committed(), 0);
  store.offsets.commit = async () => {
    throw new Error('no space left');
  };
  clock.advance(1);
  assert.deepEqual([await committed(), warnings()], [0, ['offsets could not be committed']]);
  store.offsets.commit = commit;
  messages[1]?.ack();
  clock.advance(300);
  assert.equal(await committed(), 2);
});

test('a member is paused as a whole or by partition, and goes on where it was', async (t) => {
  const { join, store, topic } = await group(t);
  const { member, texts } = join();
  await turns(10);
  const add = async (text: string) => {
    for (const partition of topic.partitions) await append(store, partition, [message(text)]);
    await turns(10);
    return texts().slice(6);
  };
  member.pause([{ topic: 't', partition: 0 }]);
  assert.deepEqual(await add('d'), ['1/3']);
  member.resume([{ topic: 't', partition: 0 }]);
  await turns(10);
  assert.deepEqual(texts().slice(6), ['1/3', '0/3']);
  member.pause();
  assert.deepEqual(await add('e'), ['1/3', '0/3']);
  member.pause([{ topic: 't', partition: 1 }]);
  member.resume();
  await turns(10);
  assert.deepEqual(texts().slice(6).sort(), ['0/3', '0/4', '1/3', '1/4'], 'resuming all resumes each');
  member.pause([{ topic: 't', partition: 9 }]);
});

test('a seek reads from there, and what was read before counts no more', async (t) => {
  const { join, store, topic } = await group(t, 1);
  const [partition] = topic.partitions;
  assert.ok(partition !== undefined);
  const { member, batches, texts } = join();
  await turns(10);
  const [old] = batches;
  member.seek({ topic: 't', partition: 0 }, 1);
  await turns(10);
  assert.deepEqual(texts(), ['0/0', '0/1', '0/2', '0/1', '0/2']);
  old?.ack();
  await member.commit();
  assert.equal(store.offsets.of('g', partition)?.offset, 1);
  batches[1]?.ack();
  await member.commit();
  assert.equal(store.offsets.of('g', partition)?.offset, 3);
  member.seek({ topic: 't', partition: 7 }, 1);
  await turns();
  assert.equal(texts().length, 5);
});

test('no more records are in flight of a partition than are allowed, and settling them makes room', async (t) => {
  const { join } = await group(t, 1);
  const { texts, batches } = join({ maxUnsettled: 2 });
  await turns(10);
  assert.deepEqual(texts(), ['0/0', '0/1']);
  batches[0]?.messages[0]?.ack();
  await turns(10);
  assert.deepEqual(texts(), ['0/0', '0/1', '0/2']);
});

test('a member joins once', async (t) => {
  const { join } = await group(t, 1);
  const { member, events } = join();
  await turns();
  const failures: unknown[] = [];
  member.batches$.subscribe({ error: (error) => failures.push(error.code) });
  assert.deepEqual(failures, ['TG_GROUP_FAILED']);
  await turns();
  assert.deepEqual(
    events.map(({ type }) => type),
    ['joining', 'assigned'],
  );
});

test('a note is committed again when it has changed, and only then', async (t) => {
  const { join, store, topic, stats } = await group(t, 1);
  const [partition] = topic.partitions;
  assert.ok(partition !== undefined);
  let through = 1;
  const note = (_: unknown, replay: number) => ({ replay, watermark: 5, through });
  const state = { assigned: (_: unknown, committed: number) => committed, note, revoked() {} };
  const { member, batches } = join({ state });
  await turns(10);
  for (const batch of batches) batch.ack();
  const commits = async () => {
    await member.commit();
    return stats.counter('tidegate_commits_total', { group: 'g' }).value;
  };
  const first = await commits();
  assert.equal(await commits(), first);
  through = 2;
  assert.equal(await commits(), first + 1);
  assert.equal(await commits(), first + 1);
  assert.deepEqual(store.offsets.of('g', partition), { offset: 3, note: { replay: 3, watermark: 5, through: 2 } });
});
