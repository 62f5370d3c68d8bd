import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Connection } from '../../../src/actors/endpoint/connection.ts';
import { Batch } from '../../../src/core/batch.ts';
import { ClientMemory } from '../../../src/core/client-memory.ts';
import { Message } from '../../../src/core/message.ts';
import type { WhenFull } from '../../../src/core/send-queue.ts';
import { MemoryBudget } from '../../../src/gateway/memory.ts';
import type { FakeSocket } from '../actors/fake-socket.ts';
import { endpointRig, turn } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';

const records = (...texts: string[]) => new Batch(texts.map((text) => new Message(Buffer.from(text))));

/** An endpoint with a memory limit, whose second passes when the test says so. */
function limited(t: TestContext, limit: number, { queue = 1_000_000, whenFull = 'drop_oldest' as WhenFull } = {}) {
  const memory = new ClientMemory(limit);
  const limits = { messages: 100, bytes: 1_000_000, queue, whenFull };
  const rig = endpointRig(t, { memory, limits });
  const clock = new HandClock();
  const budget = new MemoryBudget(memory, [rig.endpoint], rig.stats, rig.logger, clock);
  t.after(() => budget.close());
  /** Has the peer hold so much of an unfinished message, which its close frees. */
  const reads = (socket: FakeSocket, bytes: number) => {
    socket.partial += bytes;
    memory.read(bytes);
    const free = () => {
      memory.read(-socket.partial);
      socket.partial = 0;
    };
    socket.close = (code, reason) => {
      socket.orders.push(`close ${code} ${reason}`);
      free();
    };
    socket.terminate = () => {
      socket.orders.push('terminate');
      free();
    };
  };
  const stuck = async () => {
    const socket = await rig.connect();
    socket.isStuck = true;
    socket.buffered = 65_536;
    return socket;
  };
  return { ...rig, memory, reads, stuck, second: () => clock.advance(1_000) };
}

const READER = { feed: () => {} };

test('if readers wait for each other, those that hold most are cut after a second, as few as possible', async (t) => {
  const { connect, memory, reads, second, warnings } = limited(t, 2_100);
  const sockets = [await connect(), await connect(), await connect()];
  for (const [at, size] of [500, 900, 700].entries()) reads(sockets[at] as FakeSocket, size);
  second();
  second();
  assert.ok(
    sockets.every(({ orders }) => orders.length === 0),
    'nothing waits',
  );
  memory.wait(READER);
  second();
  assert.ok(
    sockets.every(({ orders }) => orders.length === 0),
    'it may become free by itself',
  );
  second();
  assert.deepEqual(
    sockets.map(({ orders }) => orders.at(-1)),
    [undefined, 'close 1009 out of memory', undefined],
  );
  assert.equal(memory.held, 1_200);
  assert.deepEqual(warnings(), ['memory.limit is reached: closed 1 client for which most was held']);
});

test('no client is cut while readers go on', async (t) => {
  const { connect, memory, reads, second } = limited(t, 1_000);
  const socket = await connect();
  reads(socket, 1_000);
  for (let seconds = 0; seconds < 5; seconds++) {
    memory.wait(READER);
    memory.fed += 1;
    second();
  }
  assert.deepEqual(socket.orders, []);
});

test('send queues above the limit are cut in the same turn, and their memory is free', async (t) => {
  const { endpoint, memory, stuck, connect } = limited(t, 10_000);
  const [slow, quick] = [await stuck(), await connect()];
  for (let each = 0; each < 9; each++) endpoint.deliver(records(`${each}`.padEnd(1_000, '.')));
  await turn();
  assert.equal(slow.orders.at(-1), 'close 1013 out of memory');
  assert.deepEqual([quick.orders, memory.held], [[], 0]);
});

test('a frame that waits for many counts once, so no client is cut', async (t) => {
  const { endpoint, memory, stuck, second } = limited(t, 20_000);
  const sockets = await Promise.all(Array.from({ length: 50 }, stuck));
  for (let each = 0; each < 5; each++) endpoint.deliver(records(`${each}`.padEnd(1_000, '.')));
  await turn();
  second();
  assert.ok(memory.held > 5_000 && memory.held < 12_000, `${memory.held} bytes`);
  assert.ok(sockets.every(({ orders }) => orders.length === 0));
});

test('a client with frames of its own is cut before those that share theirs', async (t) => {
  const { endpoint, memory, stuck, connect, reads } = limited(t, 20_000);
  const sharing = await Promise.all(Array.from({ length: 20 }, stuck));
  for (let each = 0; each < 9; each++) endpoint.deliver(records(`${each}`.padEnd(1_000, '.')));
  await turn();
  const own = await connect();
  reads(own, 6_000);
  await turn();
  endpoint.deliver(records('.'.repeat(2_000)));
  await turn();
  assert.equal(own.orders.at(-1), 'close 1009 out of memory');
  assert.ok(
    sharing.every(({ orders }) => orders.length === 0),
    'each holds more than 9,000 bytes, but shares them',
  );
  assert.ok(memory.held < 20_000);
});

test('drop_oldest, a drain and a close give back what was counted', async (t) => {
  const { endpoint, memory, stuck } = limited(t, 1_000_000, { queue: 2_500 });
  const [left, right] = [await stuck(), await stuck()];
  for (let each = 0; each < 7; each++) endpoint.deliver(records(`${each}`.padEnd(1_000, '.')));
  await turn();
  assert.ok(memory.held > 2_000 && memory.held < 3_000, `two frames wait: ${memory.held} bytes`);
  left.isStuck = false;
  left.drains();
  assert.ok(memory.held > 2_000, 'they wait for the other one');
  right.closes(1006);
  assert.equal(memory.held, 0);
});

test('a large frame counts once for all until network sockets have sent it, and its holders are cut', async (t) => {
  const { endpoint, memory, connect, second } = limited(t, 200_000);
  const sockets = [await connect(), await connect()];
  for (const socket of sockets) socket.isStuck = true;
  endpoint.deliver(records('.'.repeat(150_000)));
  await turn();
  assert.ok(memory.held > 150_000 && memory.held < 152_000, `${memory.held} bytes`);
  endpoint.deliver(records('.'.repeat(60_000)));
  await turn();
  second();
  assert.ok(
    sockets.some(({ orders }) => orders.at(-1) === 'terminate'),
    'a close frame behind it would keep it',
  );
  for (const socket of sockets) socket.closes(1006);
  assert.equal(memory.held, 0);
});

test('a network socket that has sent a large frame holds nothing', async (t) => {
  const { endpoint, memory, connect } = limited(t, 1_000_000);
  const socket = await connect();
  socket.isStuck = true;
  endpoint.deliver(records('.'.repeat(150_000)));
  await turn();
  assert.ok(memory.held > 150_000);
  socket.drains();
  assert.equal(memory.held, 0);
});

test('a network socket gets 64 KiB of a queue at a time, or one larger frame', async (t) => {
  const { endpoint, stuck } = limited(t, 10_000_000);
  const socket = await stuck();
  for (let each = 0; each < 10; each++) endpoint.deliver(records('.'.repeat(40_000)));
  await turn();
  socket.drains();
  assert.ok(socket.buffered <= 65_536, `${socket.buffered} bytes`);
});

test('looks at sockets whose gate is shut count their bytes until it opens, and end at an eighth', async (t) => {
  const { endpoint, memory, connect } = limited(t, 80_000);
  const sockets = [await connect(), await connect()];
  endpoint.pause();
  for (const socket of sockets) socket.sends('held');
  for (const connection of endpoint.holders) connection.parts.inbound.look();
  for (let frames = 0; frames < 30; frames++) sockets[0]?.sends('x');
  assert.ok(memory.held >= 10_000 && memory.held < 20_000, `${memory.held} bytes`);
  assert.equal(sockets[0]?.orders.at(-1), 'pause');
  sockets[1]?.sends('x');
  assert.equal(sockets[1]?.orders.at(-1), 'pause', 'there is no more room for it either');
  await turn();
  endpoint.resume();
  await turn();
  assert.equal(memory.held, 0);
});

test('answers that clients do not take are counted once a second', (t) => {
  const { memory, stats, logger } = limited(t, 1_000);
  const endpoint = { holders: [300, 200].map((answerBytes) => ({ parts: { answerBytes } }) as unknown as Connection) };
  const clock = new HandClock();
  const budget = new MemoryBudget(memory, [endpoint], stats, logger, clock);
  t.after(() => budget.close());
  clock.advance(1_000);
  assert.equal(memory.held, 500);
});

test('what came beyond its gate counts for a connection until it is read again or ends', async (t) => {
  const { endpoint, memory, connect } = limited(t, 1_000_000);
  for (const isOver of ['read again', 'ended'] as const) {
    const socket = await connect();
    endpoint.pause();
    for (const frame of ['a', 'b', 'c']) socket.sends(frame);
    assert.ok(memory.held > 1_000, 'the first one fills the gate, two are beyond it');
    if (isOver === 'ended') socket.closes(1006);
    endpoint.resume();
    await turn();
    assert.equal(memory.held, 0, isOver);
  }
});

test('a reader that has just begun to wait is given a whole second, however long others waited', async (t) => {
  const { connect, memory, reads, second } = limited(t, 2_100);
  const socket = await connect();
  reads(socket, 2_000);
  memory.wait(READER);
  second();
  memory.forget(READER);
  second();
  memory.wait(READER);
  second();
  assert.deepEqual(socket.orders, []);
  second();
  assert.equal(socket.orders.at(-1), 'close 1009 out of memory');
});
