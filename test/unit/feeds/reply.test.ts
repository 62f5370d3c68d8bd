import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { turn } from '../actors/rig.ts';
import { servedFeed } from './served-feed.ts';

const HUOBI = { when: '${! $exists(json.ping) }', message: { pong: '${! json.ping }' } };
const reply = (...replies: readonly object[]) => ({ heartbeat: { ping: '0s', reply: replies } });

describe('heartbeat.reply', () => {
  test('answers the pings of the server with all their digits, and they are no records', async (t) => {
    const { network, texts, figure } = await servedFeed(t, { heartbeat: { reply: HUOBI } });
    network.last.opens();
    network.last.says('{"ping":12345678901234567890}');
    network.last.says('{"n":1}');
    network.last.says('{"ping":1.50}');
    await turn();
    assert.deepEqual(network.last.sent, ['{"pong":12345678901234567890}', '{"pong":1.50}']);
    assert.deepEqual(network.last.binaries, [false, false]);
    assert.deepEqual(texts(), ['{"n":1}']);
    assert.equal(figure('tidegate_remote_frames_sent_total'), 2);
  });

  test('has forms by text, by fields and by expression, of which the first that matches counts', async (t) => {
    const settings = reply(
      { when: "${! text = '2' }", message: '3' },
      { when: { type: 'ping' }, message: { type: 'pong', payload: '${! json.payload }' } },
      { when: "${! $uppercase(json.op) = 'PING' }", message: '{"op":"pong"}' },
      { when: "${! text = '2' or json.type = 'ping' }", message: 'never' },
      { when: { event: 'phx_reply', topic: 'phoenix' } },
    );
    const { network, texts } = await servedFeed(t, settings);
    network.last.opens();
    for (const text of ['2', '{"type":"ping","payload":{"at":7}}', '{"op":"Ping"}', '{"op":"pong"}', '22'])
      network.last.says(text);
    network.last.says('{"event":"phx_reply","topic":"phoenix","ref":"1"}');
    await turn();
    assert.deepEqual(network.last.sent, ['3', '{"type":"pong","payload":{"at":7}}', '{"op":"pong"}']);
    assert.deepEqual(texts(), ['{"op":"pong"}', '22']);
  });

  test('takes an empty line, as STOMP sends it', async (t) => {
    const { network, texts } = await servedFeed(t, reply({ when: '${! text = "\\n" }', message: '\n' }));
    network.last.opens();
    network.last.says('\n');
    await turn();
    assert.deepEqual([network.last.sent, texts()], [['\n'], []]);
  });

  test('a ping without the value of the answer is not answered, and is no record either', async (t) => {
    const { network, texts } = await servedFeed(t, reply({ when: { op: 'ping' }, message: { id: '${! json.id }' } }));
    network.last.opens();
    network.last.says('{"op":"ping"}');
    await turn();
    assert.deepEqual([network.last.sent, texts()], [[], []]);
  });

  test('an expression that takes a while holds back what is behind it, so that the order is kept', async (t) => {
    const { network, texts } = await servedFeed(
      t,
      reply({ when: '${! $sift(json, function($v, $k) { $k = "ping" }).ping }', message: 'pong' }),
    );
    network.last.opens();
    for (const text of ['{"n":1}', '{"ping":true}', '{"n":2}', '{"n":3}']) network.last.says(text);
    await turn();
    await turn();
    assert.deepEqual([network.last.sent, texts()], [['pong'], ['{"n":1}', '{"n":2}', '{"n":3}']]);
  });

  test('a ping behind one whose expression takes a while is answered after it', async (t) => {
    const slow = { when: '${! $sift(json, function($v, $k) { $k = "slow" }).slow }', message: 'slow' };
    const { network } = await servedFeed(t, reply({ when: { op: 'fast' }, message: 'fast' }, slow));
    network.last.opens();
    network.last.says('{"slow":true}');
    network.last.says('{"op":"fast"}');
    await turn();
    await turn();
    assert.deepEqual(network.last.sent, ['slow', 'fast']);
  });

  test('works while subscribing: a ping is neither a reply nor a refusal', async (t) => {
    const settings = {
      ...reply(HUOBI),
      subscribe: [{ send: 'login', expect: '${! $exists(json) }', reject: '${! $exists(json.ping) }' }],
    };
    const { network, feed } = await servedFeed(t, settings);
    network.last.opens();
    network.last.says('{"ping":1}');
    assert.equal(feed.connections[0]?.state, 'subscribing');
    assert.deepEqual(network.last.sent, ['login', '{"pong":1}']);
    network.last.says('{}');
    assert.equal(feed.connections[0]?.state, 'live');
  });
});

describe('a storm of pings', () => {
  test('at a rate: the newest 16 are answered, and the others are counted', async (t) => {
    const { network, clock, figure } = await servedFeed(t, {
      ...reply(HUOBI),
      send_rate: '1/s',
    });
    const sent = () => network.last.sent;
    network.last.opens();
    for (let n = 1; n <= 1_000; n += 1) network.last.says(`{"ping":${n}}`);
    assert.deepEqual(sent(), ['{"pong":1}']);
    assert.equal(figure('tidegate_remote_unanswered_total'), 1_000 - 1 - 16);
    clock.advance(16 * 1_250);
    assert.deepEqual(sent().slice(1, 3), ['{"pong":985}', '{"pong":986}']);
    assert.equal(sent().at(-1), '{"pong":1000}');
    assert.equal(sent().length, 17);
  });

  test('does not keep messages from being sent', async (t) => {
    const { network, clock, messages } = await servedFeed(t, {
      ...reply(HUOBI),
      send_rate: '1/s',
      ack: { message: 'ack ${! json.n }' },
    });
    network.last.opens();
    for (let n = 1; n <= 4; n += 1) network.last.says(`{"n":${n}}`);
    await turn();
    for (const message of messages()) message.ack();
    for (let n = 1; n <= 6; n += 1) {
      for (let ping = 1; ping <= 50; ping += 1) network.last.says(`{"ping":${n * 100 + ping}}`);
      clock.advance(1_250);
    }
    assert.deepEqual(
      network.last.sent.map((text) => text.slice(0, 5)),
      ['ack 1', '{"pon', 'ack 2', '{"pon', 'ack 3', '{"pon', 'ack 4'],
    );
  });

  test('to which the server reads no answers: they do not pile up, and the newest follow when it reads', async (t) => {
    const { network, clock, figure } = await servedFeed(t, reply(HUOBI));
    network.last.opens();
    network.last.buffered = 3 * 1_048_576;
    for (let n = 1; n <= 100; n += 1) {
      network.last.says(`{"ping":${n}}`);
      network.last.asksPong(String(n));
    }
    clock.advance(1_000);
    assert.deepEqual([network.last.sent, network.last.ponged], [[], []]);
    network.last.buffered = 0;
    clock.advance(50);
    assert.deepEqual(network.last.ponged, ['100']);
    assert.deepEqual([network.last.sent.length, network.last.sent.at(-1)], [16, '{"pong":100}']);
    assert.equal(figure('tidegate_remote_unanswered_total'), 99 + 84);
  });

  test('of WebSocket is answered at once if nothing is limited', async (t) => {
    const { network } = await servedFeed(t);
    network.last.opens();
    network.last.asksPong('a');
    network.last.asksPong('b');
    assert.deepEqual(network.last.ponged, ['a', 'b']);
  });
});
