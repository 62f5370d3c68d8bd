import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { topics } from '../../../src/codecs/topics/index.ts';
import type { Codec } from '../../../src/core/component.ts';
import type { TopicView } from '../../../src/core/topic-request.ts';
import { FakeLog } from '../actors/fake-log.ts';
import type { FakeSocket } from '../actors/fake-socket.ts';
import { endpointRig, turn } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';
import { EVERYTHING, FakeHandle } from './fakes.ts';
import { makeService } from './service.ts';

/* Answers that are larger than their requests: lists of topics, and health, to clients that do not read. */

const protocol = () => topics.create({ commit: 'auto' }, undefined as never) as Codec;

/** An endpoint of the topic protocol on a log with two topics of so many partitions. */
function setUp(t: TestContext, partitions = 10_000, messages = 4_096, codec = protocol()) {
  const clock = new HandClock();
  const log = new FakeLog();
  const there = new Map([
    ['one', partitions],
    ['two', partitions],
  ]);
  const looks = { count: 0 };
  log.admin.topics = async () => {
    looks.count += 1;
    return new Map(there);
  };
  log.admin.create = async ({ name }) => {
    there.set(name, 1);
    return true;
  };
  const join = () => {
    const handle = new FakeHandle([0]);
    handle.goLive();
    return handle;
  };
  const service = makeService(
    { log, clock, groups: { join, has: () => false, size: 0 } },
    { max_topics: 1_000, creates_per_minute: 1_000, max_groups: 1_000, groups_per_minute: 1_000 },
    { maxima: { partitions: 10_000, replication: 1, config: {} } },
  );
  const rig = endpointRig(t, {
    topics: service,
    permissions: EVERYTHING,
    codec,
    limits: { messages, bytes: 1_000_000, queue: 1_000, whenFull: 'disconnect' },
    clock,
  });
  const ask = (socket: FakeSocket, id: number, request: object = { t: 'topic', a: 'list' }) =>
    socket.sends(JSON.stringify({ id, ...request }));
  return { ...rig, clock, there, looks, ask };
}

/** Resolves when the condition holds, a turn later each time. */
async function until(condition: () => boolean): Promise<void> {
  for (let turns = 0; !condition(); turns += 1) {
    assert.ok(turns < 20_000, 'it never came to that');
    await turn();
  }
}

/** The replies that a socket got: parts of frames are joined. */
const replies = (socket: FakeSocket) =>
  socket.writes
    .join('')
    .replaceAll('|', '')
    .split(/(?=\{"id":)/)
    .filter((text) => text !== '')
    .map((text) => JSON.parse(text) as { refid: number; p: { topic: string; partition: number }[] });

const health = { t: 'health' };

test('a client that never reads and asks 1,500 times is answered once, and costs one look at the topics', async (t) => {
  const { connect, endpoint, ask, looks } = setUp(t);
  const socket = await connect();
  socket.isStuck = true;
  for (let id = 1; id <= 1_500; id += 1) ask(socket, id);
  await until(() => socket.buffered > 0);
  for (let turns = 0; turns < 20; turns += 1) await turn();
  assert.deepEqual(
    replies(socket).map(({ refid }) => refid),
    [1],
  );
  assert.equal(looks.count, 1);
  assert.equal(replies(socket)[0]?.p.length, 20_000);
  // The answer, the requests that wait, and no more.
  assert.ok(endpoint.heldBytes < socket.buffered + 1_500 * 350, `${endpoint.heldBytes} bytes are held`);
});

test('a client that reads gets every answer, one after the other, and is read again', async (t) => {
  const { connect, endpoint, ask } = setUp(t, 2_000, 100);
  const socket = await connect();
  socket.isStuck = true;
  for (let id = 1; id <= 60; id += 1) ask(socket, id);
  ask(socket, 61, health);
  for (let id = 62; id <= 100; id += 1) ask(socket, id);
  assert.deepEqual(socket.orders, ['pause']);
  while (socket.writes.filter((text) => text.includes('"refid"')).length < 100) {
    await until(() => socket.buffered > 0);
    // By now the next one waits for this one to be taken.
    await turn();
    await turn();
    socket.drains();
  }
  socket.drains();
  await turn();
  assert.deepEqual(
    replies(socket).map(({ refid }) => refid),
    Array.from({ length: 100 }, (_, index) => index + 1),
  );
  assert.deepEqual(socket.orders, ['pause', 'resume']);
  assert.equal(endpoint.heldBytes, 0);
});

test('other requests do not wait for answers that are not taken', async (t) => {
  const { connect, ask, there } = setUp(t);
  const socket = await connect();
  socket.isStuck = true;
  ask(socket, 1);
  ask(socket, 2);
  await until(() => socket.buffered > 0);
  const other = await connect();
  ask(other, 3, { t: 'topic', a: 'create', p: ['three'] });
  await turn();
  assert.ok(there.has('three'));
  assert.match(other.writes.join(''), /"refid":3,.*"p":\["three"\]/);
});

test('an answer to many clients is in memory once, and counts once', async (t) => {
  const { connect, endpoint, ask } = setUp(t);
  const sockets: FakeSocket[] = [];
  for (let n = 0; n < 50; n += 1) {
    const socket = await connect();
    socket.isStuck = true;
    sockets.push(socket);
    ask(socket, n);
  }
  await until(() => sockets.every(({ buffered }) => buffered > 0));
  const [first, ...others] = sockets.map(({ lastWrites }) => lastWrites.at(-2));
  assert.ok(first !== undefined && first.length > 600_000);
  for (const body of others) assert.equal(body, first);
  assert.ok(endpoint.heldBytes < first.length + 50 * 1_000, `${endpoint.heldBytes} of ${first.length} bytes are held`);
  // Who goes or reads leaves it to the others.
  for (const socket of sockets.slice(0, 25)) socket.closes(1006);
  for (const socket of sockets.slice(25, 49)) socket.drains();
  const held = endpoint.heldBytes;
  assert.ok(held > first.length && held < first.length + 1_000, `${held} bytes are held`);
  sockets[49]?.drains();
  assert.equal(endpoint.heldBytes, 0);
});

test('a long answer is made in slices between which the event loop turns', async (t) => {
  const { connect, ask } = setUp(t, 150_000);
  const socket = await connect();
  let turns = 0;
  let isDone = false;
  const count = () => {
    turns += 1;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  ask(socket, 1);
  await until(() => socket.writes.length > 0);
  isDone = true;
  assert.equal(replies(socket)[0]?.p.length, 300_000);
  assert.ok(turns >= 5, `the loop turned ${turns} times`);
});

test('a list is at most a second old, has topics created meanwhile, and is encoded when it changes', async (t) => {
  const { connect, ask, there, looks, clock } = setUp(t, 1);
  const socket = await connect();
  const list = async () => {
    socket.writes.length = 0;
    ask(socket, 1);
    await until(() => socket.writes.length > 0);
    const [, body] = socket.lastWrites;
    return { body, topics: replies(socket)[0]?.p.map(({ topic }) => topic) };
  };
  const first = await list();
  assert.deepEqual(first.topics, ['one', 'two']);
  there.set('elsewhere', 1);
  there.set('two', 3);
  clock.advance(999);
  assert.equal((await list()).body, first.body);
  assert.equal(looks.count, 1);
  clock.advance(1);
  assert.deepEqual((await list()).topics, ['elsewhere', 'one', 'two', 'two', 'two']);
  assert.equal(looks.count, 2);
  ask(socket, 2, { t: 'topic', a: 'create', p: ['three'] });
  await turn();
  const last = await list();
  assert.deepEqual(last.topics, ['elsewhere', 'one', 'three', 'two', 'two', 'two']);
  there.set('two', 1);
  clock.advance(1_000);
  const fewer = await list();
  assert.deepEqual(fewer.topics, ['elsewhere', 'one', 'three', 'two']);
  clock.advance(5_000);
  assert.equal((await list()).body, fewer.body, 'what is the same is not made again');
  assert.equal(looks.count, 6, 'one of them for what was to be created');
});

test('health is encoded once until clients or subscriptions change, and at most once a second if large', async (t) => {
  const { connect, ask, clock } = setUp(t, 1);
  const socket = await connect();
  const body = async () => {
    socket.writes.length = 0;
    ask(socket, 1, health);
    await until(() => socket.writes.length > 0);
    return socket.lastWrites.at(-2);
  };
  const first = await body();
  assert.equal(await body(), first);
  const other = await connect();
  const second = await body();
  assert.equal(String(second), '{"consumers":[{"ws":1,"topics":[]},{"ws":2,"topics":[]}]}');
  ask(other, 1, { t: 'topic', a: 'subscribe', p: { t: ['one'] } });
  await turn();
  assert.match(String(await body()), /\{"ws":2,"topics":\["one"\]\}/);
  for (let n = 0; n < 1_000; n += 1) await connect();
  const many = await body();
  await connect();
  assert.equal(await body(), many);
  clock.advance(1_000);
  assert.notEqual(await body(), many);
});

test('requests that are not answered yet weigh what they have', async (t) => {
  const { connect, ask, endpoint } = setUp(t, 1);
  const socket = await connect();
  const names = Array.from({ length: 3 }, (_, n) => `${n}`.padEnd(249, 'x'));
  const wait = { t: 'topic', a: 'subscribe', p: { t: names, wait: true } };
  let asked = 0;
  while (socket.orders.length === 0) ask(socket, ++asked, wait);
  assert.deepEqual(socket.orders, ['pause']);
  assert.ok(asked < 1_000_000 / 750, `${asked} requests of 800 bytes are in flight`);
  assert.ok(endpoint.heldBytes > 999_000);
});

test('a codec that fails on a long payload closes its client, and the next is answered', async (t) => {
  const codec = protocol();
  const { topics: writing } = codec;
  let failures = 1;
  const failing = {
    answers: false,
    open: codec.open.bind(codec),
    frame: codec.frame.bind(codec),
    settled: () => null,
    record: () => null,
    dropped: () => null,
    topics: {
      ...writing,
      *payload(view: TopicView) {
        yield* writing?.payload(view) ?? [];
        if (failures-- > 0) throw new Error('codec bug');
      },
    },
  } as Codec;
  const { connect, ask, errors } = setUp(t, 1, 100, failing);
  const [first, second] = [await connect(), await connect()];
  ask(first, 1);
  await until(() => first.orders.length > 0);
  assert.match(first.orders.join(), /close 1011/);
  ask(second, 2, health);
  await until(() => second.writes.length > 0);
  assert.match(String(second.lastWrites.at(-2)), /^\{"consumers":\[/);
  assert.match(errors().join(), /the codec failed \(answered\)/);
});
