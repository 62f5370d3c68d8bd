import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Connection } from '../../../../src/actors/endpoint/connection.ts';
import { roundTrip } from '../../../../src/actors/endpoint/pings.ts';
import { sweepConnection } from '../../../../src/actors/endpoint/sweep.ts';
import { FakeSocket } from '../fake-socket.ts';
import { endpointRig, turn } from '../rig.ts';

const LIMITS = { pingInterval: 20, pingTimeout: 10, frameTimeout: 30, stallTimeout: 30 };

/** A connection whose time is in the test's hand: each `seconds` sweeps it once a second. */
async function swept(t: TestContext) {
  const { endpoint } = endpointRig(t);
  const socket = new FakeSocket();
  endpoint.context.seconds = 1_000;
  const info = { clientId: 'c', endpoint: 'rooms', params: {}, query: {} };
  const connection = new Connection(endpoint.context, endpoint.clients, socket, info, undefined);
  await turn();
  const reasons: (string | undefined)[] = [];
  const seconds = (count: number) => {
    for (let second = 0; second < count; second++) {
      endpoint.context.seconds += 1;
      const reason = sweepConnection(connection, endpoint.context.seconds, LIMITS);
      if (reason !== undefined) reasons.push(reason);
    }
  };
  return { endpoint, connection, socket, seconds, reasons };
}

test('a silent peer is pinged at the interval, and cut when it does not answer in time', async (t) => {
  const { socket, seconds, reasons } = await swept(t);
  seconds(19);
  assert.deepEqual(socket.orders, []);
  seconds(1);
  assert.deepEqual(socket.orders, ['ping']);
  seconds(10);
  assert.deepEqual(socket.orders, ['ping']);
  seconds(1);
  assert.deepEqual(socket.orders, ['ping', 'terminate']);
  assert.deepEqual(reasons, ['ping_timeout']);
});

test('a peer that answers its pings lives on', async (t) => {
  const { socket, seconds } = await swept(t);
  for (let pings = 1; pings <= 5; pings++) {
    seconds(20);
    assert.equal(socket.orders.length, pings);
    seconds(1);
    socket.pongs(socket.pings.at(-1));
  }
  assert.ok(socket.orders.every((order) => order === 'ping'));
});

test('a frame is as good as a pong', async (t) => {
  const { socket, seconds } = await swept(t);
  seconds(20);
  seconds(1);
  socket.sends('a');
  seconds(15);
  assert.deepEqual(socket.orders, ['ping']);
});

test('while a socket is not read its clock stops, and starts afresh when it is read again', async (t) => {
  const { endpoint, socket, seconds } = await swept(t);
  seconds(20);
  endpoint.pause();
  socket.sends('a');
  seconds(100);
  assert.ok(!socket.orders.includes('terminate'));
  endpoint.resume();
  socket.orders.length = 0;
  seconds(19);
  assert.deepEqual(socket.orders, []);
  seconds(1);
  assert.deepEqual(socket.orders, ['ping']);
});

test('a socket that is not read is read for one turn every two seconds, to see a close and answer pings', async (t) => {
  const { endpoint, socket, seconds } = await swept(t);
  endpoint.pause();
  socket.sends('a');
  assert.deepEqual(socket.orders, ['pause']);
  for (let looks = 1; looks <= 100; looks++) {
    seconds(2);
    await turn();
    assert.deepEqual(socket.orders, ['pause', ...Array.from({ length: looks }, () => ['resume', 'pause']).flat()]);
  }
});

test('a look brings several small frames, so that a close behind them is seen', async (t) => {
  const { endpoint, socket, seconds } = await swept(t);
  endpoint.pause();
  socket.sends('a');
  seconds(2);
  assert.equal(socket.orders.at(-1), 'resume');
  for (let frames = 0; frames < 1_000; frames++) socket.sends('a');
  assert.equal(socket.orders.at(-1), 'resume');
  for (let frames = 0; frames < 50; frames++) socket.sends('a');
  assert.equal(socket.orders.at(-1), 'pause', 'but not as many as Node reads in a turn');
  await turn();
});

test('a look ends with as many pings as with frames', async (t) => {
  const { endpoint, socket, seconds } = await swept(t);
  endpoint.pause();
  socket.sends('a');
  seconds(2);
  for (let pings = 0; pings < 1_023; pings++) socket.sendsPing();
  assert.equal(socket.orders.at(-1), 'resume');
  socket.sendsPing();
  assert.equal(socket.orders.at(-1), 'pause');
  await turn();
});

test('looks end once much was read', async (t) => {
  const { endpoint, socket, seconds } = await swept(t);
  endpoint.pause();
  socket.sends('a');
  for (let looks = 0; looks < 10; looks++) {
    seconds(2);
    if (socket.orders.at(-1) === 'resume') socket.sends('x'.repeat(20_000));
    await turn();
  }
  assert.deepEqual(socket.orders, ['pause', ...Array.from({ length: 4 }, () => ['resume', 'pause']).flat()]);
  endpoint.resume();
  socket.orders.length = 0;
  endpoint.pause();
  socket.sends('a');
  seconds(2);
  await turn();
  assert.deepEqual(socket.orders, ['pause', 'resume', 'pause'], 'what is read counts afresh');
});

test('a look does not pause a socket that was released or closed meanwhile', async (t) => {
  const { endpoint, socket, seconds } = await swept(t);
  endpoint.pause();
  socket.sends('a');
  seconds(1);
  socket.orders.length = 0;
  endpoint.resume();
  await turn();
  assert.equal(socket.orders.at(-1), 'resume');
  endpoint.pause();
  socket.sends('a');
  seconds(1);
  socket.sends('!close');
  await turn();
  assert.match(socket.orders.at(-1) ?? '', /^close/);
});

test('a peer that takes nothing for the stall timeout is closed with 1008', async (t) => {
  const { socket, seconds, reasons } = await swept(t);
  socket.isStuck = true;
  socket.write(Buffer.alloc(1_000));
  seconds(31);
  assert.ok(!socket.orders.some((order) => order.startsWith('close')));
  seconds(1);
  assert.equal(socket.orders.at(-1), 'close 1008 slow');
  assert.equal(reasons.at(-1), 'stall_timeout');
});

test('a peer that takes a byte now and then is not stalled', async (t) => {
  const { socket, seconds } = await swept(t);
  socket.isStuck = true;
  socket.write(Buffer.alloc(1_000));
  for (let rounds = 0; rounds < 4; rounds++) {
    seconds(25);
    socket.buffered -= 1;
    socket.pongs();
  }
  assert.ok(!socket.orders.some((order) => order.startsWith('close')));
});

test('a connection is not stalled from the start, however old the endpoint is', async (t) => {
  const { socket, seconds } = await swept(t);
  socket.isStuck = true;
  socket.written = 500;
  socket.buffered = 500;
  seconds(1);
  assert.deepEqual(socket.orders, []);
  seconds(31);
  assert.equal(socket.orders.at(-1), 'close 1008 slow');
});

test('a peer that stalls while it is not read is closed all the same', async (t) => {
  const { endpoint, socket, seconds } = await swept(t);
  endpoint.pause();
  socket.sends('a');
  socket.isStuck = true;
  socket.write(Buffer.alloc(1_000));
  seconds(33);
  assert.equal(socket.orders.at(-1), 'close 1008 slow');
});

test('a message that does not end is closed with 1009, and logged', async (t) => {
  const { endpoint, socket, seconds, reasons } = await swept(t);
  const broken: string[] = [];
  endpoint.clients.protocolBroken = (_connection, code, message) => void broken.push(`${code} ${message}`);
  socket.partial = 10;
  seconds(20);
  socket.pongs();
  seconds(11);
  assert.ok(!socket.orders.some((order) => order.startsWith('close')));
  seconds(1);
  assert.equal(socket.orders.at(-1), 'close 1009 frame took too long');
  assert.deepEqual(broken, ['1009 frame took too long']);
  assert.deepEqual(reasons, ['frame_timeout']);
});

test('each message has the whole frame timeout', async (t) => {
  const { socket, seconds } = await swept(t);
  for (let messages = 0; messages < 4; messages++) {
    socket.partial = 10;
    seconds(29);
    socket.sends('a');
  }
  assert.ok(socket.orders.every((order) => order === 'ping'));
});

test('a peer in the middle of a message is not cut for a pong that it cannot send', async (t) => {
  const { socket, seconds } = await swept(t);
  seconds(20);
  socket.partial = 10;
  seconds(25);
  assert.deepEqual(socket.orders, ['ping']);
  socket.partial = 0;
  seconds(1);
  assert.deepEqual(socket.orders, ['ping', 'terminate']);
});

test('the time in which a socket was not read does not count against its message', async (t) => {
  const { endpoint, socket, seconds } = await swept(t);
  socket.partial = 10;
  seconds(5);
  endpoint.pause();
  socket.sends('a');
  seconds(100);
  endpoint.resume();
  seconds(5);
  assert.ok(!socket.orders.some((order) => order.startsWith('close')));
});

test('a closing handshake that takes longer than five seconds is cut', async (t) => {
  const { socket, seconds } = await swept(t);
  socket.sends('!close');
  seconds(5);
  assert.deepEqual(socket.orders, ['resume', 'close 4001 as asked']);
  seconds(1);
  assert.equal(socket.orders.at(-1), 'terminate');
});

test('a pong tells the round trip of our own ping, and nothing where it answers no ping', async (t) => {
  const { socket, seconds } = await swept(t);
  seconds(20);
  const trip = roundTrip(socket.pings[0] ?? Buffer.alloc(0));
  assert.ok(trip !== undefined && trip >= 0 && trip < 60);
  assert.equal(roundTrip(Buffer.from('hello')), undefined);
  assert.equal(roundTrip(Buffer.alloc(8, 0xff)), undefined);
  const future = Buffer.alloc(8);
  future.writeDoubleBE(performance.now() + 10_000);
  assert.equal(roundTrip(future), undefined);
});

test('a socket paused by memory.limit is not cut for a missing pong or an unfinished message', async (t) => {
  const { socket, seconds } = await swept(t);
  socket.partial = 10;
  seconds(20);
  socket.isStarved = true;
  seconds(100);
  socket.isStarved = false;
  seconds(15);
  assert.ok(!socket.orders.some((order) => order !== 'ping'), socket.orders.join());
});

test('a peer with an open ping while memory.limit paused it gets another one before it is cut', async (t) => {
  const { socket, seconds } = await swept(t);
  seconds(20);
  socket.isStarved = true;
  seconds(100);
  socket.isStarved = false;
  seconds(19);
  assert.deepEqual(socket.orders, ['ping']);
  seconds(1);
  assert.deepEqual(socket.orders, ['ping', 'ping']);
  seconds(11);
  assert.deepEqual(socket.orders, ['ping', 'ping', 'terminate']);
});
