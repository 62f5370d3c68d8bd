import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedBytes } from '../../../../src/core/shared-bytes.ts';
import { Written } from '../../../../src/core/shared-frame.ts';
import { bytes, deliver, FULL, setUp } from './outbound-rig.ts';

test('a peer that takes what is written is free, and no word of a drain is asked for', () => {
  const { socket, outbound, asked } = setUp();
  assert.equal(outbound.isFree, true);
  socket.buffered = FULL - 1;
  assert.equal(outbound.isFree, true);
  assert.deepEqual(asked, []);
});

test('a peer that is asked for room and has none says when it has, once for each time', () => {
  const { socket, outbound, asked, drain } = setUp();
  socket.buffered = FULL;
  assert.equal(outbound.isFree, false);
  assert.equal(outbound.isFree, false);
  assert.deepEqual(asked, ['drain']);
  drain();
  assert.equal(outbound.isFree, true);
  socket.buffered = FULL;
  assert.equal(outbound.isFree, false);
  assert.deepEqual(asked, ['drain', 'drain']);
});

test('a peer whose answers wait in the queue is not free until they have left', () => {
  const { socket, outbound, drain } = setUp();
  socket.buffered = FULL + 1;
  outbound.push(Buffer.from('answer'));
  outbound.flush();
  socket.buffered = 0;
  assert.equal(outbound.isFree, false);
  drain();
  assert.equal(outbound.isFree, true);
  assert.deepEqual(socket.writes, ['answer']);
});

test('answers of a turn are one write, and the owner is called before and after it', () => {
  const { socket, outbound, told, sent } = setUp();
  outbound.push(Buffer.from('a'));
  outbound.push(Buffer.from('bc'));
  assert.deepEqual([told, socket.taken()], [['wait'], []]);
  outbound.flush();
  assert.deepEqual([told, socket.taken(), sent()], [['wait', 'left'], ['abc'], [2, 3]]);
  outbound.flush();
  assert.deepEqual([told, socket.taken()], [['wait', 'left'], []]);
  outbound.push(Buffer.from('d'));
  outbound.flush();
  assert.deepEqual([told.length, socket.taken(), sent()], [4, ['d'], [3, 4]]);
});

test('a turn is full by 4 MiB of answers and what is recovered behind them, or by thousands of short ones', () => {
  const { outbound } = setUp();
  const isFullAfter = (times: number, work: () => void) => {
    for (let n = 0; n < times; n += 1) work();
    const { isTurnFull } = outbound;
    outbound.flush();
    assert.equal(outbound.isTurnFull, false);
    return isTurnFull;
  };
  const recovered = new Written([bytes(100_000)]);
  assert.equal(
    isFullAfter(60, () => outbound.push(bytes(65_536))),
    false,
  );
  assert.equal(
    isFullAfter(70, () => outbound.push(bytes(65_536))),
    true,
  );
  assert.equal(
    isFullAfter(5_000, () => outbound.push(bytes(10))),
    true,
  );
  const recover = (isOwn: boolean) => () => {
    outbound.push(bytes(10));
    outbound.deliver(recovered, isOwn);
  };
  assert.deepEqual([isFullAfter(50, recover(true)), isFullAfter(50, recover(false))], [true, false]);
});

test('answers of 64 KiB leave before the turn ends', () => {
  const { socket, outbound } = setUp();
  outbound.push(bytes(FULL - 1));
  assert.equal(socket.writes.length, 0);
  outbound.push(bytes(1));
  assert.equal(socket.writes[0]?.length, FULL);
  outbound.push(bytes(1));
  assert.equal(socket.writes.length, 1);
});

test('answers wait in the queue while more than 64 KiB are in the socket, and leave when it has drained', () => {
  const { socket, outbound, asked, drain, sent } = setUp();
  socket.buffered = FULL;
  outbound.push(Buffer.from('a'));
  outbound.flush();
  assert.deepEqual(socket.taken(), ['a']);
  socket.buffered = FULL + 1;
  for (const answer of ['b', 'c']) outbound.push(Buffer.from(answer));
  outbound.flush();
  assert.deepEqual([socket.taken(), asked, outbound.queuedBytes], [[], ['drain'], 2]);
  socket.buffered = 0;
  outbound.push(Buffer.from('d'));
  outbound.flush();
  assert.deepEqual(socket.taken(), [], 'not ahead of those that wait');
  drain();
  assert.deepEqual([socket.taken(), outbound.queuedBytes, sent()], [['bcd'], 0, [4, 4]]);
});

test('answers are held wherever they wait, and until the peer has taken them', () => {
  const { socket, outbound, drain } = setUp();
  const held = () => [outbound.heldBytes, outbound.untakenAnswers];
  socket.isStuck = true;
  outbound.push(bytes(100));
  assert.deepEqual(held(), [100, 100]);
  outbound.flush();
  outbound.push(bytes(50));
  outbound.flush();
  assert.deepEqual(held(), [150, 150]);
  socket.buffered = 40;
  assert.deepEqual(held(), [40, 40]);
  socket.buffered = FULL + 1;
  outbound.push(bytes(7));
  outbound.flush();
  assert.deepEqual(held(), [157, 157]);
  socket.isStuck = false;
  drain();
  assert.deepEqual(held(), [0, 0]);
});

test('what the peer has taken is forgotten with the next write, though no drain was said', () => {
  const { socket, outbound } = setUp();
  outbound.push(bytes(1_000));
  outbound.flush();
  socket.isStuck = true;
  outbound.push(bytes(10));
  outbound.flush();
  socket.buffered += 500;
  assert.deepEqual([outbound.heldBytes, outbound.untakenAnswers], [10, 10]);
});

test('answers that waited in the queue are untaken until the socket is empty', () => {
  const { socket, outbound, drain } = setUp();
  socket.buffered = FULL + 1;
  outbound.push(bytes(300));
  outbound.flush();
  socket.isStuck = true;
  drain();
  assert.deepEqual([outbound.untakenAnswers, outbound.heldBytes, outbound.queuedBytes], [300, 300, 0]);
  drain();
  assert.deepEqual([outbound.untakenAnswers, outbound.heldBytes], [0, 0]);
});

test('records for one peer are held, and are not answers; those of a broadcast are there once for all', () => {
  const { socket, outbound, drain, sent } = setUp();
  socket.isStuck = true;
  outbound.push(Buffer.from('a'));
  outbound.deliverAtOnce(bytes(100));
  assert.deepEqual(socket.taken(), ['a', 'x'.repeat(100)]);
  assert.deepEqual([outbound.heldBytes, outbound.untakenAnswers, sent()], [101, 1, [2, 101]]);
  drain();
  deliver(outbound, bytes(100), bytes(50));
  assert.deepEqual([outbound.heldBytes, socket.buffered, sent()], [0, 150, [4, 251]]);
});

test('records go out in one write as long as 64 KiB are enough, behind the answers', () => {
  const { socket, outbound } = setUp();
  socket.isStuck = true;
  outbound.push(Buffer.from('a'));
  deliver(outbound, bytes(FULL - 2), bytes(1));
  assert.deepEqual(
    socket.taken().map(({ length }) => length),
    [1, FULL - 1],
  );
  deliver(outbound, bytes(1));
  assert.deepEqual([socket.taken(), outbound.queuedBytes], [[], 1]);
});

test('records that come behind others that wait do not overtake them', () => {
  const { socket, outbound, asked, drain } = setUp();
  socket.buffered = FULL;
  deliver(outbound, Buffer.from('a'));
  assert.deepEqual(asked, ['drain']);
  socket.buffered = FULL - 1;
  deliver(outbound, Buffer.from('bc'));
  assert.deepEqual([socket.taken(), outbound.queuedBytes], [['a'], 2], 'there is room for one byte');
  drain();
  assert.deepEqual(socket.taken(), ['bc']);
});

test('a queue leaves in writes of 64 KiB at most, and the rest with the next drain', () => {
  const { socket, outbound, asked, drain } = setUp();
  socket.buffered = FULL;
  for (const fill of ['a', 'b', 'c']) deliver(outbound, bytes(30_000, fill));
  socket.isStuck = true;
  drain();
  assert.deepEqual(
    socket.taken().map((text) => [text[0], text.length]),
    [['a', 60_000]],
  );
  assert.deepEqual([outbound.queuedBytes, asked.length], [30_000, 2]);
  drain();
  assert.deepEqual(
    socket.taken().map((text) => [text[0], text.length]),
    [['c', 30_000]],
  );
  assert.equal(asked.length, 2, 'nothing waits, so no drain is asked for');
});

test('a long answer is one frame in three writes, and the owner hears that it has left', () => {
  const { socket, outbound, told, sent } = setUp();
  outbound.push(Buffer.from('before'));
  outbound.writeLong(Buffer.from('head'), new SharedBytes(Buffer.from('body')), Buffer.from('tail'));
  assert.deepEqual(socket.taken(), ['before', 'head', 'body', 'tail']);
  assert.deepEqual(
    [told, sent()],
    [
      ['wait', 'left', 'left'],
      [2, 18],
    ],
  );
});

test('the middle of a long answer counts once for all peers that have not taken it', () => {
  const body = new SharedBytes(bytes(100_000));
  const rigs = [setUp(), setUp()];
  const held = () => rigs.map(({ outbound }) => outbound.heldBytes);
  for (const { socket, outbound } of rigs) {
    socket.isStuck = true;
    outbound.writeLong(Buffer.from('head'), body, Buffer.from('tail'));
  }
  assert.equal(body.holders, 2);
  assert.deepEqual(held(), [50_008, 50_008]);
  assert.deepEqual(rigs[0]?.outbound.untakenAnswers, 100_008);
  assert.deepEqual(rigs[0]?.asked, ['drain']);
  rigs[0]?.drain();
  assert.deepEqual([body.holders, held()], [1, [0, 100_008]]);
  rigs[1]?.outbound.discard();
  assert.equal(body.holders, 0);
});

test('a second long answer takes the place of the first, and a short one is not shared', () => {
  const { socket, outbound } = setUp();
  const [first, second, short] = [100_000, 100_000, 10].map((length) => new SharedBytes(bytes(length)));
  const say = (body = new SharedBytes(bytes(0))) => outbound.writeLong(bytes(0), body, bytes(0));
  say(short);
  assert.equal(short?.holders, 0);
  socket.isStuck = true;
  say(first);
  say(second);
  assert.deepEqual([first?.holders, second?.holders], [0, 1]);
});

test('what another client says to this peer alone is held for it, and is dropped where the queue is full', () => {
  for (const [whenFull, outcomes] of [
    ['disconnect', [true, true, false, false]],
    ['block', [true, true, false, false]],
    ['drop_newest', [true, true, false, false]],
    ['drop_oldest', [true, true, true, true]],
  ] as const) {
    const { socket, outbound, told, drops, drain, asked } = setUp(whenFull, 100);
    assert.equal(outbound.offer(Buffer.from('at once')), true);
    assert.deepEqual(socket.taken(), ['at once']);
    socket.buffered = FULL;
    const frames = ['a', 'b', 'c', 'd'].map((fill) => bytes(50, fill));
    assert.deepEqual(
      frames.map((frame) => outbound.offer(frame)),
      outcomes,
      whenFull,
    );
    assert.deepEqual([drops.slow, told, outbound.queuedBytes, asked], [2, [], 100, ['drain']], whenFull);
    drain();
    const kept = whenFull === 'drop_oldest' ? ['c', 'd'] : ['a', 'b'];
    assert.equal(socket.taken().join(''), `dropped 2${kept.map((fill) => fill.repeat(50)).join('')}`);
  }
});

test('what is offered and has to wait leaves with the next drain', () => {
  const { socket, outbound, asked, drain } = setUp();
  socket.buffered = FULL;
  assert.equal(outbound.offer(Buffer.from('a')), true);
  assert.deepEqual([asked, outbound.queuedBytes], [['drain'], 1]);
  drain();
  assert.deepEqual(socket.taken(), ['a']);
});

test('what is offered to a peer that takes it counts until it is taken, whatever its size', () => {
  const { socket, outbound, drain } = setUp('disconnect', 100);
  socket.isStuck = true;
  outbound.push(Buffer.from('answer'));
  assert.equal(outbound.offer(bytes(FULL - 6)), true);
  assert.deepEqual([outbound.heldBytes, socket.writes[0]], [FULL, 'answer']);
  drain();
  assert.equal(outbound.offer(bytes(FULL + 1)), true);
  assert.equal(outbound.heldBytes, FULL + 1);
  assert.equal(outbound.offer(bytes(1)), true);
  assert.deepEqual([outbound.heldBytes, outbound.queuedBytes], [FULL + 2, 1]);
});

test('before a close the answers leave that wait, each by itself, and records do not', () => {
  const { socket, outbound, drops } = setUp();
  socket.buffered = FULL + 1;
  for (const record of ['r', 's']) deliver(outbound, Buffer.from(record));
  for (const answer of ['a', 'b']) outbound.push(Buffer.from(answer));
  outbound.flush();
  outbound.push(Buffer.from('c'));
  assert.equal(outbound.heldBytes, 5);
  outbound.finish();
  assert.deepEqual([socket.taken(), drops, outbound.queuedBytes], [['a', 'b', 'c'], { slow: 0, closed: 2 }, 0]);
  outbound.finish();
  assert.deepEqual([socket.taken(), drops.closed], [[], 2]);
});

test('a client without room for records is disconnected, and all of the turn that it misses is counted', () => {
  const { socket, outbound, told, drops } = setUp('disconnect', 100);
  socket.buffered = FULL;
  deliver(outbound, bytes(60), bytes(40));
  assert.deepEqual([told, drops.slow], [[], 0]);
  outbound.discard();
  deliver(outbound, bytes(60), bytes(60), bytes(60));
  assert.deepEqual([told, drops], [['slow_consumer', 'slow'], { slow: 2, closed: 2 }]);
});

test('a peer that takes all gets a record that is larger than its queue', () => {
  const { socket, outbound, told } = setUp('disconnect', 100);
  deliver(outbound, bytes(FULL + 1), bytes(101));
  assert.deepEqual([socket.taken().map(({ length }) => length), told], [[FULL + 1, 101], []]);
});

test('a record of more than 64 KiB is in memory until the network socket has sent it, or is gone', () => {
  for (const end of ['drain', 'gone'] as const) {
    const { socket, outbound, drain, memory } = setUp();
    socket.isStuck = true;
    deliver(outbound, bytes(FULL));
    assert.deepEqual([memory.held, outbound.isStuck], [0, false]);
    drain();
    deliver(outbound, bytes(FULL + 1));
    assert.ok(memory.held > FULL, `${memory.held}`);
    assert.equal(outbound.weight, memory.held);
    assert.equal(outbound.isStuck, true);
    outbound.discard();
    assert.ok(memory.held > FULL, 'the socket still has it');
    if (end === 'drain') drain();
    else outbound.gone();
    assert.deepEqual([memory.held, outbound.weight], [0, 0], end);
  }
});

test('a socket with more than 128 KiB is stuck', () => {
  const { socket, outbound } = setUp();
  socket.buffered = 2 * FULL;
  assert.equal(outbound.isStuck, false);
  socket.buffered += 1;
  assert.equal(outbound.isStuck, true);
});

test('at the end of a tick the owner may go on, and not when answers leave before it', () => {
  const { outbound, woken } = setUp();
  outbound.push(bytes(FULL));
  assert.deepEqual(woken, []);
  outbound.flush();
  assert.deepEqual(woken, ['wake']);
});

test('a peer hears of dropped records before it gets those behind them, also where it takes only a part', () => {
  const { socket, outbound } = setUp('drop_oldest', 100);
  socket.buffered = FULL;
  deliver(outbound, bytes(50, 'a'), bytes(50, 'b'), bytes(50, 'c'));
  socket.buffered = FULL - 200;
  deliver(outbound, bytes(50, 'd'));
  assert.equal(socket.taken().join(''), `dropped 1${['b', 'c', 'd'].map((fill) => fill.repeat(50)).join('')}`);
});

test('records that go to no socket in one piece are not copied for it', (t) => {
  const { outbound, socket } = setUp();
  const written = new Written([bytes(FULL), bytes(FULL)]);
  const concat = t.mock.method(Buffer, 'concat');
  socket.buffered = FULL;
  outbound.deliver(written);
  assert.deepEqual([outbound.queuedBytes, concat.mock.callCount()], [2 * FULL, 0]);
});
