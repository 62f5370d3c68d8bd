import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withKey } from '../../../../src/core/frame-key.ts';
import { deliver, FULL, setUp } from './outbound-rig.ts';

/** A record of a key, of so many bytes. */
const record = (key: string, number: number, length = 4) =>
  withKey(Buffer.from(`${key}${number}`.padEnd(length, '.')), key);
const setUpLatest = (queue?: number) => setUp('latest', queue);

test('with latest a peer that takes nothing gets the newest of each key, and first how many it missed', () => {
  const { socket, outbound, drain, drops, asked, memory } = setUpLatest();
  socket.buffered = FULL;
  deliver(outbound, record('a', 1), record('b', 1), record('a', 2));
  deliver(outbound, record('a', 3), record('c', 1));
  assert.deepEqual([drops, outbound.queuedBytes, asked], [{ slow: 0, closed: 0, superseded: 2 }, 12, ['drain']]);
  assert.equal(outbound.weight, memory.held);
  drain();
  assert.deepEqual([socket.taken(), memory.held], [['dropped 2a3..b1..c1..'], 0]);
  deliver(outbound, record('a', 4), record('a', 5));
  assert.deepEqual([socket.taken(), drops.superseded], [['a4..a5..'], 2]);
});

test('with latest a peer that takes what it is given gets every record, however many one turn brings', () => {
  const { socket, outbound, drops, told, asked } = setUpLatest();
  const frames = Array.from({ length: 500 }, (_, number) => record('a', number, 1_000));
  deliver(outbound, ...frames);
  const writes = socket.taken();
  assert.equal(writes.join(''), Buffer.concat(frames).toString());
  assert.deepEqual(
    writes.map(({ length }) => length),
    [...Array<number>(7).fill(65_000), 45_000],
  );
  assert.deepEqual([drops, told, asked], [{ slow: 0, closed: 0 }, [], []]);
});

test('with latest a turn is superseded only from where the socket has taken no more', () => {
  const { socket, outbound, drain, drops } = setUpLatest();
  socket.isStuck = true;
  deliver(outbound, ...Array.from({ length: 100 }, (_, number) => record('a', number, 1_000)));
  const firsts = (writes: string[]) => writes.map((text) => [text.slice(0, 4), text.length]);
  assert.deepEqual(firsts(socket.taken()), [['a0..', 65_000]]);
  assert.deepEqual([drops.superseded, outbound.queuedBytes], [34, 1_000]);
  drain();
  assert.deepEqual(socket.taken(), [`dropped 34${record('a', 99, 1_000)}`]);
});

test('with latest what waited goes first where the socket has room again, though it has not said so', () => {
  const { socket, outbound, drain, drops } = setUpLatest();
  socket.buffered = FULL;
  deliver(outbound, record('a', 1));
  socket.buffered = 0;
  deliver(outbound, record('a', 2), record('a', 3));
  assert.deepEqual([socket.taken(), drops], [['a1..', 'a2..a3..'], { slow: 0, closed: 0 }]);
  drain();
  assert.deepEqual(socket.taken(), []);
});

test('with latest the peer gets the number of what was superseded, though nothing waits any more', () => {
  const { socket, outbound, drain, asked } = setUpLatest();
  socket.buffered = FULL - 6;
  deliver(outbound, record('a', 1, 8), record('a', 2, 6));
  assert.deepEqual([socket.taken(), outbound.queuedBytes, asked], [['a2....'], 0, ['drain']]);
  drain();
  assert.deepEqual(socket.taken(), ['dropped 1']);
});

test('with latest what does not fit is dropped, the oldest first, and counted as with drop_oldest', () => {
  const { socket, outbound, drain, drops, told } = setUpLatest(10);
  socket.buffered = FULL;
  deliver(outbound, record('a', 1), record('b', 1), record('c', 1), record('c', 2));
  assert.deepEqual([drops, told], [{ slow: 1, closed: 0, superseded: 1 }, []]);
  drain();
  assert.deepEqual(socket.taken(), ['dropped 2b1..c2..']);
});

test('with latest a large record is in memory until the socket has sent it', () => {
  const { socket, outbound, drain, memory } = setUpLatest();
  socket.isStuck = true;
  deliver(outbound, record('a', 1, FULL + 1), record('a', 2), record('a', 3));
  assert.deepEqual([socket.taken().length, outbound.queuedBytes, outbound.isStuck], [1, 4, true]);
  assert.ok(memory.held > FULL);
  socket.isStuck = false;
  drain();
  assert.deepEqual([socket.taken(), memory.held], [['dropped 1a3..'], 0]);
});

test('with latest a large record waits for an empty socket, and those before it do not', () => {
  const { socket, outbound } = setUpLatest();
  socket.isStuck = true;
  deliver(outbound, record('a', 1), record('b', 1, FULL + 1), record('c', 1));
  assert.deepEqual([socket.taken(), outbound.queuedBytes], [['a1..'], FULL + 5]);
});

test('with latest answers go ahead, and what is said to the peer alone is not superseded', () => {
  const { socket, outbound, drain, drops } = setUpLatest();
  socket.buffered = FULL + 1;
  deliver(outbound, record('a', 1));
  outbound.push(Buffer.from('answer '));
  outbound.flush();
  for (const text of ['one ', 'two ']) assert.equal(outbound.offer(Buffer.from(text)), true);
  deliver(outbound, record('a', 2));
  assert.deepEqual([drops, outbound.queuedBytes], [{ slow: 0, closed: 0, superseded: 1 }, 19]);
  drain();
  assert.deepEqual(socket.taken(), ['answer dropped 1a2..one two ']);
});

test('with latest what waits when the peer goes counts as lost by that', () => {
  const { socket, outbound, drops, memory } = setUpLatest();
  socket.buffered = FULL;
  deliver(outbound, record('a', 1), record('a', 2), record('b', 1));
  outbound.gone();
  assert.deepEqual([drops, memory.held], [{ slow: 0, closed: 2, superseded: 1 }, 0]);
});

test('a policy that changes holds for a client when nothing waits for it any more', () => {
  const { socket, outbound, drain, limits, drops, told } = setUp('disconnect', 8);
  socket.buffered = FULL;
  deliver(outbound, record('a', 1));
  Object.assign(limits, { queue: 100, whenFull: 'latest' });
  deliver(outbound, record('a', 2));
  assert.deepEqual([drops, outbound.queuedBytes], [{ slow: 0, closed: 0 }, 8]);
  drain();
  assert.deepEqual(socket.taken(), ['a1..a2..']);
  socket.buffered = FULL;
  deliver(outbound, record('a', 3), record('a', 4));
  Object.assign(limits, { whenFull: 'drop_newest', queue: 4 });
  deliver(outbound, record('a', 5));
  drain();
  assert.deepEqual([socket.taken(), drops], [['dropped 2a5..'], { slow: 0, closed: 0, superseded: 2 }]);
  socket.buffered = FULL;
  deliver(outbound, record('b', 1), record('c', 1));
  assert.deepEqual([drops.slow, told], [1, []]);
});
