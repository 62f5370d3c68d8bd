import assert from 'node:assert/strict';
import { test } from 'node:test';
import { turn } from '../actors/rig.ts';
import { feedRig } from './feed-rig.ts';

const settings = { ack: { message: { ack: '${! json.n }' } }, reconnect: { interval: '500ms' } };
const KIB = 1_024;

test('a server that reads no answers is not read, and its connection ends after 30 s with the reason', async (t) => {
  const { network, clock, reasons } = await feedRig(t, settings);
  network.last.opens();
  network.last.buffered = 300 * KIB;
  network.last.says('{"n":1}');
  await turn();
  assert.equal(network.last.isPaused, true);
  clock.advance(29_900);
  assert.equal(network.last.isEnded, false);
  clock.advance(200);
  assert.equal(network.last.isEnded, true);
  assert.equal(reasons.at(-1), 'the server does not read the answers to its messages: it took none for 30s');
  // The next connection begins without them.
  clock.advance(500);
  network.last.opens();
  network.last.says('{"n":2}');
  await turn();
  assert.deepEqual([network.sockets.length, network.last.isPaused, network.last.sent], [2, false, ['{"ack":2}']]);
});

test('a server that reads answers slowly keeps its connection, and is read when half of them are gone', async (t) => {
  const { network, clock } = await feedRig(t, settings);
  network.last.opens();
  network.last.buffered = 300 * KIB;
  network.last.says('{"n":1}');
  await turn();
  for (let left = 290; left > 130; left -= 10) {
    clock.advance(29_000);
    network.last.buffered = left * KIB;
    // Now and then it is read for a turn.
    await turn();
    assert.equal(network.last.isPaused, true, `${left} KiB`);
  }
  network.last.buffered = 120 * KIB;
  clock.advance(50);
  assert.deepEqual([network.last.isPaused, network.last.isEnded], [false, false]);
});

test('a server that reads a part of a large write keeps its connection', async (t) => {
  const { network, clock } = await feedRig(t, settings);
  const { last: socket } = network;
  socket.opens();
  socket.buffered = 8 * KIB * KIB;
  socket.says('{"n":1}');
  await turn();
  for (let unsent = 8 * KIB * KIB; unsent > 0; unsent -= KIB * KIB) {
    socket.unsent = unsent;
    clock.advance(29_000);
  }
  assert.equal(socket.isEnded, false);
  clock.advance(30_100);
  assert.equal(socket.isEnded, true);
});

test('answers that are added meanwhile are no sign that the server reads', async (t) => {
  const { network, clock, messages } = await feedRig(t, settings, { isSettling: false });
  network.last.opens();
  for (let n = 1; n <= 200; n += 1) network.last.says(`{"n":${n}}`);
  await turn();
  network.last.buffered = 300 * KIB;
  for (const message of messages) {
    network.last.buffered += 16;
    message.ack();
    clock.advance(151);
    if (network.last.isEnded) break;
  }
  assert.equal(network.last.isEnded, true);
});

test('answers of more than 16 MiB that wait end the connection at once', async (t) => {
  const { network, reasons } = await feedRig(t, settings);
  network.last.opens();
  network.last.buffered = 17 * KIB * KIB;
  network.last.says('{"n":1}');
  await turn();
  assert.equal(network.last.isEnded, true);
  assert.match(reasons.at(-1) ?? '', /does not read the answers to its messages: 16MiB of answers wait/);
});

test('at a rate, answers that a server does not read are bounded, too', async (t) => {
  const { network, clock } = await feedRig(t, { ...settings, send_rate: '1000/s' });
  network.last.opens();
  network.last.buffered = 300 * KIB;
  network.last.says('{"n":1}');
  await turn();
  assert.equal(network.last.isPaused, true);
  clock.advance(30_100);
  assert.equal(network.last.isEnded, true);
});
