import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { turn } from '../actors/rig.ts';
import { servedFeed } from './served-feed.ts';

const quiet = { heartbeat: { ping: '0s' } };
const subscriptions = (count: number) => Array.from({ length: count }, (_, n) => `sub ${n + 1}`);

describe('subscribe.interval', () => {
  test('spaces the messages of subscribe, and that of resume, and then the feed is live', async (t) => {
    const { network, clock, feed } = await servedFeed(t, {
      ...quiet,
      subscribe: { messages: subscriptions(3), interval: '200ms' },
      resume: { cursor: '${! json.seq }', message: { after: '${! meta.cursor }' } },
    });
    network.last.opens();
    const state = () => [network.last.sent.length, feed.connections[0]?.state];
    assert.deepEqual(state(), [1, 'subscribing']);
    clock.advance(199);
    assert.deepEqual(state(), [1, 'subscribing']);
    clock.advance(1);
    assert.deepEqual(state(), [2, 'subscribing']);
    network.last.says('{"seq":7}');
    clock.advance(200);
    assert.deepEqual(state(), [3, 'live']);
    network.last.ends();
    clock.advance(500);
    network.last.opens();
    clock.advance(599);
    assert.deepEqual(state(), [3, 'subscribing']);
    clock.advance(1);
    assert.deepEqual(network.last.sent, [...subscriptions(3), '{"after":7}']);
  });

  test('without a reply to wait for, messages that come meanwhile go on, and the gate slows them', async (t) => {
    const { network, clock, texts, feed } = await servedFeed(t, {
      ...quiet,
      subscribe: { messages: [{ send: 'login', expect: { ok: true } }, 'a', 'b'], interval: '10s' },
    });
    network.last.opens();
    network.last.says('{"n":1}');
    await turn();
    assert.deepEqual(texts(), []);
    network.last.says('{"ok":true}');
    network.last.says('{"n":2}');
    await turn();
    assert.deepEqual(texts(), ['{"n":1}', '{"n":2}']);
    feed.pause();
    assert.equal(network.last.isPaused, true);
    clock.advance(20_000);
    assert.deepEqual(network.last.sent, ['login', 'a', 'b']);
    assert.equal(feed.connections[0]?.state, 'live');
  });

  test('a reply is one only when its message was sent, and comes in time counted from then', async (t) => {
    const { network, clock, feed, logged } = await servedFeed(t, {
      ...quiet,
      subscribe: {
        messages: ['a', { send: 'b', expect: { ok: true }, timeout: '1s' }],
        interval: '5s',
      },
    });
    network.last.opens();
    clock.advance(4_999);
    network.last.says('{"ok":true}');
    assert.equal(feed.connections[0]?.state, 'subscribing');
    clock.advance(1_000);
    assert.deepEqual(network.last.sent, ['a', 'b']);
    assert.equal(network.last.isEnded, false);
    const first = network.last;
    clock.advance(1);
    assert.equal(first.isEnded, true);
    assert.match(logged(), /no reply to message 2 of subscribe came within 1s/);
  });

  test('a second reply is not one to a message that is not sent yet', async (t) => {
    const steps = ['a', 'b'].map((send) => ({ send, expect: { ok: true } }));
    const { network, clock, feed } = await servedFeed(t, { ...quiet, subscribe: { messages: steps, interval: '5s' } });
    network.last.opens();
    network.last.says('{"ok":true}');
    network.last.says('{"ok":true}');
    clock.advance(5_000);
    assert.deepEqual([network.last.sent, feed.connections[0]?.state], [['a', 'b'], 'subscribing']);
  });

  test('20,000 messages without a pace are sent at once', async (t) => {
    const { network, feed } = await servedFeed(t, { ...quiet, subscribe: subscriptions(20_000) });
    network.last.opens();
    assert.equal(network.last.sent.length, 20_000);
    assert.equal(feed.connections[0]?.state, 'live');
  });
});

describe('send_rate of a source', () => {
  test('restores 200 subscriptions at 5 in 1.25 s, and heartbeats, pings and pongs count', async (t) => {
    const { network, clock } = await servedFeed(t, {
      heartbeat: { ping: '3s', timeout: '2500ms', send: { every: '4s', message: 'beat' } },
      subscribe: subscriptions(200),
      send_rate: '5/s',
    });
    network.last.opens();
    const socket = network.last;
    const totals = [socket.sent.length];
    for (let tenth = 0; tenth < 450; tenth += 1) {
      if (tenth % 20 === 0) socket.asksPong('p');
      clock.advance(100);
      totals.push(socket.sent.length + socket.pings.length + socket.ponged.length);
    }
    assert.equal(socket.isEnded, false);
    assert.deepEqual(
      socket.sent.filter((text) => text !== 'beat'),
      subscriptions(200).slice(0, socket.sent.filter((text) => text !== 'beat').length),
    );
    assert.ok(socket.pings.length >= 10 && socket.ponged.length >= 20, 'pings and pongs starve');
    for (let at = 12; at < totals.length; at += 1)
      assert.ok((totals[at] ?? 0) - (totals[at - 12] ?? 0) <= 5, `more than 5 in 1.2 s at ${at}`);
    assert.equal(totals.at(-1), 5 * 37);
  });

  test('the time of expect and of a ping counts from when they were sent', async (t) => {
    const { network, clock, feed } = await servedFeed(t, {
      ...quiet,
      subscribe: ['a', { send: 'b', expect: { ok: true }, timeout: '1s' }],
      send_rate: '6/m',
    });
    network.last.opens();
    assert.deepEqual(network.last.sent, ['a', 'b']);
    network.last.ends();
    clock.advance(500);
    network.last.opens();
    for (let n = 0; n < 4; n += 1) network.last.asksPong('p');
    network.last.says('{"ok":true}');
    assert.equal(feed.connections[0]?.state, 'live');
  });

  test('while 1,000 answers wait the socket is not read, until half of them are sent', async (t) => {
    const { network, clock, messages } = await servedFeed(t, {
      ...quiet,
      send_rate: '10/s',
      ack: { message: '${! json.n }' },
    });
    network.last.opens();
    for (let n = 1; n <= 1_010; n += 1) network.last.says(`{"n":${n}}`);
    await turn();
    for (const message of messages()) message.ack();
    assert.deepEqual([network.last.sent.length, network.last.isPaused], [10, true]);
    clock.advance(49 * 1_250);
    await turn();
    assert.deepEqual([network.last.sent.length, network.last.isPaused], [500, true]);
    clock.advance(1_250);
    await turn();
    assert.deepEqual([network.last.sent.length, network.last.isPaused], [510, false]);
    clock.advance(50 * 1_250);
    assert.deepEqual(
      network.last.sent,
      Array.from({ length: 1_010 }, (_, n) => String(n + 1)),
    );
  });

  test('a connection that follows one with many waiting answers is read', async (t) => {
    const { network, clock, messages } = await servedFeed(t, {
      ...quiet,
      send_rate: '1/s',
      ack: { message: '${! json.n }' },
    });
    network.last.opens();
    for (let n = 1; n <= 1_100; n += 1) network.last.says(`{"n":${n}}`);
    await turn();
    for (const message of messages()) message.ack();
    assert.equal(network.last.isPaused, true);
    network.last.ends();
    clock.advance(500);
    network.last.opens();
    assert.deepEqual([network.last.isPaused, network.last.sent], [false, []]);
  });

  test('a ping that waited while reading stopped and went on is followed by one more, not two', async (t) => {
    const { network, clock, feed } = await servedFeed(t, {
      heartbeat: { ping: '10s', timeout: '5s' },
      send_rate: '1/m',
      subscribe: 'hi',
    });
    network.last.opens();
    clock.advance(15_000);
    feed.pause();
    feed.resume();
    clock.advance(45_249);
    assert.equal(network.last.pings.length, 0);
    clock.advance(1);
    assert.equal(network.last.pings.length, 1);
    clock.advance(4_999);
    assert.equal(network.last.isEnded, false);
    clock.advance(1);
    assert.equal(network.sockets[0]?.isEnded, true);
  });

  test('the gate and waiting answers stop the reading independently', async (t) => {
    const { network, clock, messages, feed } = await servedFeed(t, {
      ...quiet,
      send_rate: '100/s',
      ack: { message: '${! json.n }' },
    });
    network.last.opens();
    for (let n = 1; n <= 1_100; n += 1) network.last.says(`{"n":${n}}`);
    await turn();
    for (const message of messages()) message.ack();
    feed.pause();
    clock.advance(12_500);
    await turn();
    assert.deepEqual([network.last.sent.length, network.last.isPaused], [1_100, true]);
    feed.resume();
    assert.equal(network.last.isPaused, false);
  });
});
