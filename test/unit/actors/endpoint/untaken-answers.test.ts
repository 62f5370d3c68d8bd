import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch } from '../../../../src/core/batch.ts';
import { TidegateError } from '../../../../src/core/errors.ts';
import { Message } from '../../../../src/core/message.ts';
import type { FakeSocket } from '../fake-socket.ts';
import { endpointRig, turn, wordCodec } from '../rig.ts';

/* What a peer costs that leaves its answers: a mark for all of them together, wherever they wait. */

const MARK = 262_144;
/** Each of its frames is refused by a kilobyte. */
const talkative = wordCodec({
  frame: (_state, data) => [
    { type: 'reply', frame: { data: `${data}${'.'.repeat(1_000)}`, binary: false }, rejected: 'x' },
  ],
});

const words = (socket: FakeSocket) =>
  socket
    .taken()
    .join('')
    .split('|')
    .filter((frame) => frame !== '')
    .map((frame) => frame.replace(/\.+$/, ''));

test('what a read chunk brings is not answered beyond the mark, though all of it is read already', async (t) => {
  const { connect, endpoint } = endpointRig(t, { codec: talkative });
  const socket = await connect();
  socket.isStuck = true;
  for (let n = 0; n < 2_000; n += 1) socket.sends(String(n));
  assert.deepEqual(socket.orders, ['pause'], 'before the turn ends');
  await turn();
  assert.ok(endpoint.heldBytes > MARK + 1_500 * 128, 'frames that were read count, too');
  assert.ok(endpoint.heldBytes < MARK + 2 * 65_536 + 2_000 * 140, `${endpoint.heldBytes} bytes are held`);
  const heard: string[] = [];
  for (let drains = 0; drains < 40; drains += 1) {
    heard.push(...words(socket));
    socket.drains();
    await turn();
  }
  assert.deepEqual(
    heard,
    Array.from({ length: 2_000 }, (_, n) => String(n)),
  );
  assert.deepEqual(socket.orders, ['pause', 'resume']);
  assert.equal(endpoint.heldBytes, 0);
});

/** Each word of a frame is answered by a kilobyte; `!` ends the connection. */
const commanding = wordCodec({
  frame: (_state, data) =>
    data
      .toString()
      .split(' ')
      .map((word) =>
        word === '!'
          ? { type: 'close', code: 4000, reason: 'asked' }
          : { type: 'reply', frame: { data: `${word}${'.'.repeat(1_000)}`, binary: false } },
      ),
});
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => String(from + at));

test('one frame that asks for many answers is carried out as far as the mark, and on as they are taken', async (t) => {
  const { connect, endpoint } = endpointRig(t, { codec: commanding });
  const socket = await connect();
  socket.isStuck = true;
  socket.sends(numbers(0, 2_000).join(' '));
  socket.sends('behind');
  assert.deepEqual(socket.orders, ['pause'], 'before the turn ends');
  await turn();
  assert.ok(endpoint.heldBytes < MARK + 20_000, `${endpoint.heldBytes} bytes are held`);
  const heard: string[] = [];
  for (let drains = 0; drains < 60; drains += 1) {
    heard.push(...words(socket));
    socket.drains();
    await turn();
  }
  assert.deepEqual(heard, [...numbers(0, 2_000), 'behind']);
  assert.deepEqual(socket.orders, ['pause', 'resume']);
  assert.equal(endpoint.heldBytes, 0);
});

test('what is left of a frame is forgotten with its connection, and goes to its end where that is a close', async (t) => {
  const { connect, endpoint } = endpointRig(t, { codec: commanding });
  const [gone, closed] = [await connect(), await connect()];
  for (const socket of [gone, closed]) {
    socket.isStuck = true;
    socket.sends(`${numbers(0, 400).join(' ')} !`);
  }
  await turn();
  gone.closes(1006);
  gone.taken();
  for (const socket of [gone, closed]) for (let drains = 0; drains < 5; drains += 1) socket.drains();
  await turn();
  assert.deepEqual(gone.taken(), []);
  assert.equal(words(closed).length, 400);
  assert.equal(closed.orders.at(-1), 'close 4000 asked');
  assert.equal(endpoint.heldBytes, 0);
});

test('a peer that takes its answers is never held, however many one turn brings', async (t) => {
  const { connect } = endpointRig(t, { codec: talkative });
  const socket = await connect();
  for (let n = 0; n < 2_000; n += 1) socket.sends(String(n));
  await turn();
  assert.equal(words(socket).length, 2_000);
  assert.deepEqual(socket.orders, []);
});

const TURN_MARK = 4_194_304;
const turnsFor: readonly [string, (socket: FakeSocket, words: readonly string[]) => void][] = [
  ['one frame', (socket, all) => socket.sends(all.join(' '))],
  [
    'many frames',
    (socket, all) => {
      for (const word of all) socket.sends(word);
    },
  ],
];
for (const [what, send] of turnsFor)
  test(`a peer that takes its answers gets a bounded part of them in one turn: ${what}`, async (t) => {
    const { connect, endpoint } = endpointRig(t, { codec: commanding });
    const socket = await connect();
    const all = numbers(0, 12_000);
    const before = socket.written;
    send(socket, all);
    const atOnce = socket.written - before;
    assert.ok(atOnce > TURN_MARK / 3 && atOnce < TURN_MARK / 2 + 70_000, `${atOnce} bytes before the turn ends`);
    for (let turns = 0; turns < 10; turns += 1) await turn();
    assert.deepEqual(words(socket), all);
    assert.equal(socket.orders.at(-1), 'resume');
    assert.equal(endpoint.heldBytes, 0);
  });

test('frames that were read wait behind one large answer, and go on when that is taken', async (t) => {
  const huge = wordCodec({
    frame: (_state, data) => [{ type: 'reply', frame: { data: `${data}${'.'.repeat(300_000)}`, binary: false } }],
  });
  const { connect } = endpointRig(t, { codec: huge });
  const socket = await connect();
  socket.isStuck = true;
  for (const word of ['a', 'b', 'c']) socket.sends(word);
  const heard: string[] = [];
  for (let drains = 0; drains < 4; drains += 1) {
    await turn();
    heard.push(...words(socket));
    socket.drains();
  }
  assert.deepEqual(heard, ['a', 'b', 'c']);
  assert.deepEqual(socket.orders, ['pause', 'resume']);
});

test('a peer whose answers wait for one before them is not waited for: its socket has nothing to take', async (t) => {
  const { connect, messages, endpoint } = endpointRig(t);
  const socket = await connect();
  let asked = 0;
  // A socket with nothing in it would say so before the event loop turns, again and again.
  socket.notifyDrain = () => {
    asked += 1;
  };
  socket.sends('first');
  await turn();
  socket.sends(`?${'.'.repeat(300_000)}`);
  for (let times = 0; times < 3; times += 1) {
    endpoint.pause();
    endpoint.resume();
    await turn();
  }
  assert.equal(asked, 0);
  messages()[0]?.ack();
  await turn();
  await turn();
  assert.equal(words(socket).length, 2);
  assert.deepEqual(socket.orders, ['pause', 'resume']);
});

test('answers that wait for one before them count, too', async (t) => {
  const { connect, messages, endpoint } = endpointRig(t);
  const socket = await connect();
  socket.sends('first');
  await turn();
  for (let n = 0; n < 2_000; n += 1) socket.sends(`?${n}${'.'.repeat(1_000)}`);
  assert.deepEqual(socket.orders, ['pause']);
  assert.ok(endpoint.heldBytes > MARK && endpoint.heldBytes < MARK + 2_000 * 1_200, `${endpoint.heldBytes}`);
  messages()[0]?.ack();
  await turn();
  await turn();
  const heard = words(socket);
  assert.equal(heard.length, 2_001);
  assert.deepEqual([heard[0], heard.at(-1)], ['ack first', 'refused ?1999']);
  assert.deepEqual(socket.orders, ['pause', 'resume']);
  assert.equal(endpoint.heldBytes, 0);
});

test('what is in the socket counts as held until the peer has taken it', async (t) => {
  const { connect, endpoint } = endpointRig(t, { codec: talkative });
  const socket = await connect();
  socket.isStuck = true;
  for (let n = 0; n < 30; n += 1) socket.sends('x');
  await turn();
  assert.ok(socket.buffered > 30_000);
  assert.equal(endpoint.heldBytes, socket.buffered);
  socket.drains();
  assert.equal(endpoint.heldBytes, 0);
  endpoint.deliver(new Batch([new Message(Buffer.alloc(40_000, 'r'))]));
  await turn();
  assert.ok(socket.buffered > 40_000);
  assert.equal(endpoint.heldBytes, 0, 'records of a broadcast are in memory once for all');
});

test('a peer that sends pings and takes no pongs is read no further', async (t) => {
  const { connect } = endpointRig(t);
  const socket = await connect();
  socket.isStuck = true;
  socket.buffered = 1_048_575;
  socket.sendsPing();
  assert.deepEqual(socket.orders, []);
  socket.buffered += 1;
  socket.sendsPing();
  socket.sendsPing();
  assert.deepEqual(socket.orders, ['pause']);
  socket.drains();
  assert.deepEqual(socket.orders, ['pause', 'resume']);
});

/** What makes a connection write, and how much one of them gets. */
const writings: readonly (readonly [string, (rig: ReturnType<typeof endpointRig>, socket: FakeSocket) => void])[] = [
  ['answers a frame', (_rig, socket) => socket.sends('a')],
  ['answers more than a socket takes at a time', (_rig, socket) => socket.sends('a'.repeat(70_000))],
  ['gets a record', ({ endpoint }) => endpoint.deliver(new Batch([new Message(Buffer.from('r'))]))],
];

for (const [what, write] of writings) {
  test(`a connection whose socket fails while it ${what} is cut, and the others get what is theirs`, async (t) => {
    const rig = endpointRig(t, { codec: talkative });
    const [broken, other] = [await rig.connect(), await rig.connect()];
    broken.write = () => {
      throw new RangeError('the value of "size" is out of range');
    };
    for (const socket of [broken, other]) write(rig, socket);
    await turn();
    assert.equal(broken.orders[0], 'terminate');
    assert.ok(words(other).length > 0);
    assert.deepEqual(other.orders, []);
    assert.match(rig.errors().join(), /a connection failed and is cut/);
  });
}

test('a connection whose socket fails when it has drained is cut', async (t) => {
  const { connect, errors } = endpointRig(t, { codec: talkative });
  const socket = await connect();
  socket.isStuck = true;
  for (let n = 0; n < 200; n += 1) socket.sends('x');
  await turn();
  socket.write = () => {
    throw new RangeError('the value of "size" is out of range');
  };
  socket.drains();
  assert.equal(socket.orders.at(-1), 'terminate');
  assert.deepEqual(errors(), ['a connection failed and is cut']);
});

test('a connection that fails in the sweep is cut, and the others are looked after', async (t) => {
  const { connect, clock } = endpointRig(t, {
    sweep: { pingInterval: 1, pingTimeout: 10, frameTimeout: 30, stallTimeout: 30 },
  });
  const [broken, other] = [await connect(), await connect()];
  broken.ping = () => {
    throw new Error('not open');
  };
  clock.advance(2_000);
  assert.equal(broken.orders[0], 'terminate');
  assert.ok(other.orders.includes('ping'));
});

test('frames that were kept are forgotten with their connection', async (t) => {
  const { connect, endpoint } = endpointRig(t, { codec: talkative });
  const socket = await connect();
  socket.isStuck = true;
  for (let n = 0; n < 2_000; n += 1) socket.sends(String(n));
  await turn();
  const answered = words(socket).length;
  socket.closes(1006);
  assert.equal(endpoint.heldBytes, 0);
  socket.drains();
  await turn();
  assert.deepEqual([answered > 50, socket.taken()], [true, []]);
});

test('a reason that quotes what a client sent is cut at 1,000 characters', async (t) => {
  const { connect, messages } = endpointRig(t, {
    codec: wordCodec({ settled: (_state, _word, rejection) => ({ data: rejection?.message ?? '', binary: false }) }),
  });
  const socket = await connect();
  socket.sends('a');
  await turn();
  messages()[0]?.nack(new TidegateError('TG_EXPRESSION_FAILED', `${'x'.repeat(999)}\u{1f600}${'y'.repeat(900_000)}`));
  await turn();
  assert.deepEqual(socket.taken(), [`${'x'.repeat(999)}...|`]);
});
