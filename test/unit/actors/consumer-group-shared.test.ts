import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Consumer, Delivery } from '../../../src/actors/consumer-group/consumer.ts';
import type { GroupHandle } from '../../../src/actors/consumer-group/group-handle.ts';
import { Groups } from '../../../src/actors/consumer-group/groups.ts';
import { Batch } from '../../../src/core/batch.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import type { GroupStart, TopicPartition } from '../../../src/core/log.ts';
import { Message } from '../../../src/core/message.ts';
import { HandClock } from '../core/hand-clock.ts';
import { FakeGroupLog } from './fake-group-log.ts';
import { keptLogger, turn } from './rig.ts';

const MEBIBYTE = 1_048_576;

/** Takes what it has room for, and confirms when the test says so. */
class Client implements Consumer {
  room: number;
  shares: number[][] = [];
  readonly deliveries: Delivery[] = [];
  onTake: (delivery: Delivery) => void = () => {};
  private given: GroupHandle | undefined;

  constructor(room: number) {
    this.room = room;
  }

  get handle(): GroupHandle {
    assert.ok(this.given !== undefined);
    return this.given;
  }

  set handle(handle: GroupHandle) {
    this.given = handle;
  }

  /** What it was given, as `partition/offset`. */
  get records(): string[] {
    return this.deliveries.flatMap(({ messages }) => messages.map(({ text }) => text));
  }

  take(delivery: Delivery): void {
    this.room -= delivery.messages.length;
    this.deliveries.push(delivery);
    this.onTake(delivery);
  }

  assigned(partitions: readonly TopicPartition[]): void {
    this.shares.push(partitions.map(({ partition }) => partition));
  }

  confirm(at: number, offset?: number): void {
    const delivery = this.deliveries.at(at);
    assert.ok(delivery !== undefined);
    const { partition, epoch, messages } = delivery;
    this.handle.confirm({ ...partition, offset: offset ?? (messages.at(-1)?.offset ?? 0) + 1 }, epoch);
  }

  frees(room: number): void {
    this.room = room;
    this.handle.ready();
  }
}

function setUp(partitions = 2, maxHeld = 64 * MEBIBYTE) {
  const log = new FakeGroupLog(partitions);
  const clock = new HandClock();
  const kept = keptLogger();
  const polled: string[] = [];
  const left: string[] = [];
  const groups = new Groups({
    log: log.port,
    clock,
    logger: kept.logger,
    maxHeld,
    polled: (batch, group) => polled.push(`${group} ${batch.length}`),
    left: (group) => left.push(group),
  });
  const all = Array.from({ length: partitions }, (_, index) => index);
  for (const partition of all) log.append(partition, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
  const join = async (client: Client, changes: { group?: string; topics?: string[]; from?: GroupStart } = {}) => {
    client.handle = groups.join({ group: 'g', topics: ['t'], from: 'earliest', ...changes, consumer: client });
    await Promise.resolve();
    return client;
  };
  const start = async (room = 100) => {
    const client = await join(new Client(room));
    log.member.assign(all);
    return client;
  };
  const state = () => groups.all[0]?.actor.getSnapshot().value;
  return { log, clock, groups, polled, left, join, start, state, ...kept };
}

/** As a driver does: what is admitted comes in. Returns how many records that was. */
function offer(log: FakeGroupLog, records: readonly Message[]): number {
  const { member } = log;
  const count = member.options.admit?.(records) ?? records.length;
  if (count > 0) member.batches$.next(new Batch(records.slice(0, count)));
  return count;
}

const settled = (promise: Promise<void>) =>
  promise.then(
    () => 'live',
    (error: TidegateError) => error.code,
  );

test('consumers of one group and its topics share a member; other groups or topics have their own', async () => {
  const { log, groups, join } = setUp();
  await join(new Client(1), { topics: ['t', 'u', 't'], from: { offsets: { t: { 0: 3 } } } });
  await join(new Client(1), { topics: ['u', 't'] });
  assert.deepEqual([log.joined.length, groups.size], [1, 1]);
  const wanted = [['t', 'u'], ['u', 't', 'u'], ['t']];
  assert.deepEqual(
    wanted.map((names) => groups.has('g', names)),
    [true, true, false],
  );
  assert.equal(groups.has('h', ['t', 'u']), false);
  const { group, topics, from } = log.member.options;
  assert.deepEqual({ group, topics, from }, { group: 'g', topics: ['t', 'u'], from: { offsets: { t: { 0: 3 } } } });
  await join(new Client(1), { topics: ['t'] });
  await join(new Client(1), { group: 'h' });
  assert.deepEqual([log.joined.length, groups.all.map(({ size }) => size)], [3, [2, 1, 1]]);
});

test('a handle is live once the partitions are assigned, also one that comes later', async () => {
  const { log, join, start } = setUp();
  const first = await start();
  assert.equal(await settled(first.handle.live), 'live');
  const second = await join(new Client(1));
  assert.equal(await settled(second.handle.live), 'live');
  log.member.events$.next({ type: 'failed', reason: new TidegateError('TG_NOT_AUTHORIZED', 'no') });
  assert.equal(await settled((await join(new Client(1))).handle.live), 'live');
});

test('a consumer that waits for a group gets the refusal of the log; the next one may still succeed', async () => {
  const { log, join, state } = setUp();
  const first = await join(new Client(1));
  log.member.events$.next({ type: 'failed', reason: new TidegateError('TG_NOT_AUTHORIZED', 'no') });
  assert.equal(await settled(first.handle.live), 'TG_NOT_AUTHORIZED');
  assert.equal(state(), 'failed');
  const second = await join(new Client(1));
  log.member.events$.next({ type: 'joining' });
  log.member.assign([0]);
  assert.equal(await settled(second.handle.live), 'live');
  assert.equal(state(), 'stable');
});

test('nothing is delivered before the handle is returned, and the partitions are reported first', async () => {
  const { log, groups, start } = setUp();
  await start();
  log.member.deliver(0, 5);
  const late = new Client(5);
  const heard: string[] = [];
  late.assigned = (partitions) => heard.push(`assigned ${partitions.length}`);
  late.onTake = ({ messages }) => heard.push(`took ${messages.length}`);
  const handle = groups.join({ group: 'g', topics: ['t'], from: 'latest', consumer: late });
  assert.deepEqual(heard, []);
  await Promise.resolve();
  assert.equal(handle.partitions.length, 1);
  log.member.deliver(handle.partitions[0]?.partition ?? -1, 2);
  assert.deepEqual(heard, ['assigned 1', 'took 2']);
});

test('a slow consumer holds back its own partitions and no others, and goes on where it was', async () => {
  const { log, join, start, polled } = setUp();
  const slow = await start(3);
  const fast = await join(new Client(100));
  const [[own]] = [slow.shares.at(-1) ?? []];
  const [[other]] = [fast.shares.at(-1) ?? []];
  assert.ok(own !== undefined && other !== undefined);
  log.member.deliver(own, 5);
  log.member.deliver(other, 5);
  assert.deepEqual([slow.records.length, fast.records.length], [3, 5]);
  assert.deepEqual([log.member.isPaused(own), log.member.isPaused(other)], [true, false]);
  // A pause comes too late for the fetch that is under way.
  log.member.deliver(own, 2);
  slow.frees(1);
  assert.deepEqual([slow.records.length, log.member.isPaused(own)], [4, true]);
  slow.frees(50);
  assert.deepEqual(
    slow.records,
    [0, 1, 2, 3, 4, 5, 6].map((offset) => `${own}/${offset}`),
  );
  assert.equal(log.member.isPaused(own), false);
  assert.deepEqual(polled, ['g 5', 'g 5', 'g 2']);
});

test('little room is not always for the same partition', async () => {
  const { log, start } = setUp(3);
  const client = await start(0);
  for (const partition of [0, 1, 2]) log.member.deliver(partition, 5);
  for (const _ of [0, 1, 2]) client.frees(1);
  assert.deepEqual(client.records.toSorted(), ['0/0', '1/0', '2/0']);
});

test('unconfirmed records of a consumer that leaves go to the next; its late confirmation has no effect', async () => {
  const { log, groups, join, start } = setUp(1);
  const first = await start();
  log.member.deliver(0, 6);
  first.confirm(0, 2);
  first.handle.leave();
  const second = await join(new Client(2));
  assert.deepEqual(second.records, ['0/2', '0/3']);
  first.confirm(0);
  assert.equal(log.member.committable(0), 2);
  second.frees(100);
  assert.deepEqual(second.records, ['0/2', '0/3', '0/4', '0/5']);
  assert.equal(groups.all[0]?.repeated, 4);
  second.confirm(0);
  assert.equal(log.member.committable(0), 4);
  // One confirmation stands for all before it.
  second.confirm(1);
  assert.equal(log.member.committable(0), 6);
});

test('a confirmation counts as far as records were delivered, one of another assignment not at all', async () => {
  const { log, start } = setUp(2);
  const client = await start(3);
  log.member.deliver(0, 6);
  const epoch = client.deliveries[0]?.epoch ?? 0;
  client.handle.confirm({ topic: 't', partition: 1, offset: 3 }, epoch);
  client.handle.confirm({ topic: 'u', partition: 0, offset: 3 }, epoch);
  client.handle.confirm({ topic: 't', partition: 0, offset: 3 }, epoch + 1);
  assert.equal(log.member.committable(0), 0);
  client.confirm(0, 1_000);
  assert.equal(log.member.committable(0), 3);
});

test('a consumer may confirm, seek and leave while it is being given records', async () => {
  const { log, join, start } = setUp(1);
  const first = await start();
  first.onTake = () => first.confirm(-1);
  log.member.deliver(0, 2);
  assert.equal(log.member.committable(0), 2);
  first.onTake = () => first.handle.seek({ topic: 't', partition: 0, offset: 1 });
  log.member.deliver(0, 2);
  assert.deepEqual(first.records, ['0/0', '0/1', '0/2', '0/3']);
  const second = await join(new Client(100));
  first.onTake = () => first.handle.leave();
  log.member.deliver(0, 3);
  assert.deepEqual(second.records, ['0/1', '0/2', '0/3']);
});

test('a consumer seeks in what it holds alone, and to what can be an offset', async () => {
  const { log, join, start } = setUp(1);
  const first = await start();
  const second = await join(new Client(100));
  log.member.deliver(0, 6);
  first.confirm(0);
  const seek = (client: Client, partition: number, offset: number) =>
    client.handle.seek({ topic: 't', partition, offset });
  assert.deepEqual(
    [seek(second, 0, 1), seek(first, 1, 1), seek(first, 0, -1), seek(first, 0, 0.5), seek(first, 0, Number.NaN)],
    [false, false, false, false, false],
  );
  assert.equal(seek(first, 0, 4), true);
  log.member.deliver(0, 2);
  assert.deepEqual(first.records.slice(6), ['0/4', '0/5']);
  first.confirm(0);
  assert.equal(log.member.committable(0), 4);
});

test('a group is left a second after its last consumer, committed; one that joins sooner uses it', async () => {
  const { log, clock, groups, join, start, state } = setUp();
  const first = await start();
  const [member] = log.joined;
  log.member.deliver(0, 4);
  first.confirm(0, 3);
  first.handle.leave();
  first.handle.leave();
  assert.equal(state(), 'paused');
  assert.deepEqual([log.member.isPaused(0), log.member.isPaused(1)], [true, true]);
  clock.advance(999);
  const second = await join(new Client(10));
  assert.deepEqual([log.joined.length, state(), second.records], [1, 'stable', ['0/3']]);
  clock.advance(10_000);
  assert.equal(member?.hasLeft, false);
  second.handle.leave();
  clock.advance(1_000);
  assert.deepEqual([member?.hasLeft, groups.all, log.stored.get(0)?.committed], [true, [], 3]);
  await join(new Client(10));
  assert.equal(log.joined.length, 2);
});

test('a group is reported as left once no consumer is in it for any topics', async () => {
  const { clock, left, join } = setUp();
  const one = await join(new Client(1));
  const other = await join(new Client(1), { topics: ['u'] });
  one.handle.leave();
  clock.advance(1_000);
  await turn();
  assert.deepEqual(left, []);
  other.handle.leave();
  clock.advance(1_000);
  await turn();
  assert.deepEqual(left, ['g']);
});

test('a stop hands nothing out any more and waits for what is in flight', async () => {
  const { log, groups, start, state } = setUp();
  const client = await start(3);
  log.member.deliver(0, 5);
  log.member.deliver(1, 5);
  const [group] = groups.all;
  const stopped = groups.stop(1_000);
  assert.equal(group?.actor.getSnapshot().value, 'draining');
  client.frees(100);
  assert.deepEqual(client.records, ['0/0', '0/1', '0/2']);
  client.confirm(0);
  await stopped;
  assert.deepEqual([log.stored.get(0)?.committed, log.stored.get(1)?.committed], [3, 0]);
  assert.deepEqual([group?.actor.getSnapshot().value, state(), client.handle.partitions], ['left', undefined, []]);
  assert.throws(() => groups.join({ group: 'g', topics: ['t'], from: 'latest', consumer: client }), /stopping/);
});

test('a stop does not wait longer than it may: what is not confirmed by then is not committed', async () => {
  const { log, clock, groups, start } = setUp();
  const client = await start();
  log.member.deliver(0, 5);
  client.confirm(0, 2);
  const stopped = groups.stop(1_000);
  clock.advance(1_000);
  await stopped;
  client.confirm(0);
  assert.equal(log.stored.get(0)?.committed, 2);
});

test('a stop before anything is assigned ends at once, and rejects the consumers that wait', async () => {
  const { log, groups, join } = setUp();
  const client = await join(new Client(1));
  await groups.stop(1_000);
  assert.deepEqual([log.member.hasLeft, await settled(client.handle.live)], [true, 'TG_STOPPING']);
});

test('a group that cannot be left in order is a warning', async () => {
  const { log, groups, start, warnings } = setUp();
  await start();
  log.member.leave = async () => {
    throw new TidegateError('TG_LOG_UNAVAILABLE', 'away');
  };
  await groups.stop(0);
  assert.match(warnings().join(), /could not be left in order/);
});

test('a member whose flow breaks is replaced after a second; consumers keep their handles', async () => {
  const { log, clock, start, state, warnings } = setUp();
  const client = await start();
  const [broken] = log.joined;
  broken?.batches$.error(new Error('gone'));
  assert.deepEqual([broken?.hasLeft, state(), client.handle.partitions], [true, 'failed', []]);
  assert.match(warnings().join(), /failed and joins again: reading for the group g: gone/);
  clock.advance(1_000);
  assert.equal(log.joined.length, 2);
  log.member.events$.next({ type: 'joining' });
  log.member.assign([0, 1]);
  log.member.deliver(1, 1);
  assert.deepEqual([state(), client.handle.partitions.length, client.records], ['stable', 2, ['1/0']]);
});

test('a gap ahead is logged; one that leads back lets delivery begin anew', async () => {
  const { log, start, errors } = setUp(1);
  const client = await start();
  log.member.deliver(0, 2);
  log.member.gaps$.next({ topic: 't', partition: 0, from: 2, to: 4 });
  assert.match(errors().join(), /records 2-3 of t\/0 were gone/);
  log.member.deliver(0, 1);
  log.member.gaps$.next({ topic: 't', partition: 0, from: 900, to: 1 });
  client.confirm(-1);
  log.member.deliver(0, 2);
  assert.deepEqual(client.records, ['0/0', '0/1', '0/2', '0/1', '0/2']);
  assert.equal(log.member.committable(0), 1);
});

test('a partition that holds 4 MiB is read no further until half of them are confirmed', async () => {
  const { log, groups, start } = setUp(2, 1_024 * MEBIBYTE);
  const client = await start();
  const quarter = Buffer.alloc(MEBIBYTE - 256);
  const next = (offset: number) => offer(log, [new Message(quarter, { topic: 't', partition: 0, offset })]);
  for (const offset of [0, 1, 2]) next(offset);
  assert.equal(log.member.isPaused(0), false);
  next(3);
  assert.deepEqual([log.member.isPaused(0), log.member.isPaused(1)], [true, false]);
  assert.equal(groups.heldBytes, 4 * MEBIBYTE);
  client.confirm(0);
  assert.equal(log.member.isPaused(0), true, 'more than half');
  client.confirm(1);
  assert.equal(log.member.isPaused(0), false);
  client.confirm(2);
  client.confirm(3);
  assert.equal(groups.heldBytes, 0);
});

test('of what comes a partition takes what fits its share, and is held back until it is asked again', async () => {
  const { log, groups, start } = setUp(2);
  await start();
  const record = (offset: number) => new Message(Buffer.alloc(MEBIBYTE - 256), { topic: 't', partition: 0, offset });
  const answer = Array.from({ length: 6 }, (_, offset) => record(offset));
  assert.equal(offer(log, answer), 4);
  assert.deepEqual([groups.heldBytes, log.member.isPaused(0)], [4 * MEBIBYTE, true]);
  assert.equal(offer(log, answer.slice(4)), 0, 'a fetch that was under way');
  assert.equal(groups.heldBytes, 4 * MEBIBYTE);
});

test('slow clients share one limit over all groups, and an empty partition always takes a record', async () => {
  const SLOW = 1_000;
  const { log, groups, join, start } = setUp(SLOW + 1, 8 * MEBIBYTE);
  const slow = await start(2 ** 30);
  const record = (partition: number, offset: number, size = 999) =>
    new Message(Buffer.alloc(size), { topic: 't', partition, offset });
  const answer = (partition: number) => Array.from({ length: 400 }, (_, offset) => record(partition, offset));
  for (let partition = 0; partition < SLOW; partition += 1) {
    while (!log.member.isPaused(partition)) offer(log, answer(partition));
  }
  const full = groups.heldBytes;
  assert.ok(full > 7 * MEBIBYTE && full <= 8 * MEBIBYTE, `${full} bytes are held`);
  assert.equal(offer(log, answer(SLOW)), 3, 'an even part of half of the limit is left for another partition');

  const other = await join(new Client(100), { group: 'another' });
  log.member.assign([0]);
  assert.equal(offer(log, [record(0, 0, MEBIBYTE), record(0, 1, MEBIBYTE)]), 1, 'however little is left');
  assert.equal(log.member.isPaused(0), true);
  other.confirm(-1);
  assert.equal(log.member.isPaused(0), false);

  slow.handle.leave();
  await groups.stop(0);
  assert.equal(groups.heldBytes, 0, 'what goes back is held no more');
});

test('a few records of a large answer are copied out of it, many are not', async () => {
  const { log, start } = setUp(1);
  const client = await start();
  const answer = Buffer.alloc(1_048_576, 'x');
  const record = (offset: number, size: number) =>
    new Message(answer.subarray(offset * size, (offset + 1) * size), { topic: 't', partition: 0, offset });
  log.member.batches$.next(new Batch([record(0, 200), record(1, 200)]));
  log.member.batches$.next(new Batch([record(2, 262_144)]));
  const buffers = client.deliveries.flatMap(({ messages }) => messages.map(({ payload }) => payload.buffer));
  assert.deepEqual(
    buffers.map((buffer) => buffer === answer.buffer),
    [false, false, true],
  );
});

test('lag counts what is behind the end and what is held here unconfirmed', async () => {
  const { log, groups, start } = setUp(1);
  const client = await start(4);
  log.member.deliver(0, 6);
  assert.deepEqual(groups.all[0]?.lag(), new Map([['t', new Map([[0, 10]])]]));
  client.confirm(0);
  assert.deepEqual(groups.all[0]?.lag(), new Map([['t', new Map([[0, 6]])]]));
});

test('a consumer that throws is an error in the log and disturbs no other consumer', async () => {
  const { log, join, start, errors } = setUp(2);
  const bad = await start();
  const good = await join(new Client(100));
  bad.onTake = () => {
    throw new Error('codec bug');
  };
  for (const partition of [0, 1]) log.member.deliver(partition, 2);
  assert.deepEqual([bad.records.length, good.records.length, errors().length], [2, 2, 1]);
  bad.handle.leave();
  assert.equal(good.records.length, 4);
});

test('5,000 consumers of 12 partitions: those that wait get no calls, and the last one gets all', async () => {
  const { log, join, start } = setUp(12);
  const first = await start();
  const clients = [first];
  for (let index = 1; index < 5_000; index += 1) clients.push(await join(new Client(10)));
  const told = clients.reduce((sum, { shares }) => sum + shares.length, 0);
  assert.ok(told < 60, `told ${told} times`);
  assert.equal(clients.filter(({ handle }) => handle.partitions.length === 1).length, 12);
  for (const client of clients) if (client !== clients.at(-1)) client.handle.leave();
  for (let partition = 0; partition < 12; partition += 1) log.member.deliver(partition, 10);
  const last = clients.at(-1);
  assert.equal(last?.handle.partitions.length, 12);
});

test('a topic that was created again keeps nothing of the old one, and no late confirmation counts', async () => {
  const { log, start } = setUp(1);
  const client = await start(3);
  log.member.deliver(0, 3);
  assert.deepEqual(client.records.length, 3);
  const before = client.deliveries.length;
  // The new one has got as far as the old one was: the gap leads nowhere back.
  log.member.gaps$.next({ topic: 't', partition: 0, from: 0, to: 0, recreated: true });
  client.confirm(0, 3);
  assert.equal(log.member.committable(0), 0);
  client.frees(3);
  log.member.deliver(0, 3);
  assert.deepEqual(
    client.deliveries.slice(before).flatMap(({ messages }) => messages.map(({ offset }) => offset)),
    [0, 1, 2],
  );
});

test('a group that is stopped while its member is to be replaced joins no more', async () => {
  const { log, clock, groups, start } = setUp();
  await start();
  log.member.batches$.error(new Error('gone'));
  await groups.stop(0);
  clock.advance(60_000);
  assert.deepEqual([log.joined.length, clock.pending], [1, 0]);
});

test('the member that replaces a broken one gets the ids of the topics as that one knew them', async () => {
  const { log, clock, start } = setUp();
  await start();
  log.member.topicIds = () => new Map([['t', 'id-1']]);
  log.member.batches$.error(new Error('gone'));
  clock.advance(1_000);
  assert.deepEqual(log.member.options.topicIds, new Map([['t', 'id-1']]));
});

test('a seek while the group is being stopped is refused', async () => {
  const { log, groups, start } = setUp();
  const client = await start(3);
  log.member.deliver(0, 3);
  const stopped = groups.stop(1_000);
  assert.equal(client.handle.seek({ topic: 't', partition: 0, offset: 1 }), false);
  client.confirm(0);
  await stopped;
  assert.equal(log.stored.get(0)?.committed, 3);
});
