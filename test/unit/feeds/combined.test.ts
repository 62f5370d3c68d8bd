import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { RemoteSink } from '../../../src/feeds/sink/remote-sink.ts';
import { startHttpAnswers } from '../../helpers/http-answers.ts';
import { turn } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';
import { SettleLog } from '../core/settle-log.ts';
import { batchOf } from '../pipelines/parts.ts';
import { FakeNetwork, remoteContext, sinkSettings } from './fake-remote.ts';
import { feedRig } from './feed-rig.ts';

/* Settings of feeds that have to work together. */

const seq = (n: number) => JSON.stringify({ seq: n });
const JSONATA = "${! $formatNumber(meta.now, '#') }";
const DEDUPE = { id: '${! json.seq }' };

test('overlap, prepare, gzip and pings: each connection calls, and nothing is doubled', async (t) => {
  const api = await startHttpAnswers(t);
  let calls = 0;
  api.answer = (_, response) => {
    calls += 1;
    response.end(JSON.stringify({ token: `token-${calls}` }));
  };
  const { network, clock, texts, counter } = await feedRig(t, {
    prepare: { http: { url: api.url }, as: 'answer' },
    secrets: { key: 'topsecret' },
    decompress: 'gzip',
    dedupe: DEDUPE,
    subscribe: {
      send: {
        token: '${! meta.answer.json.token }',
        sign: '${! $hmac("sha256", meta.secrets.key, meta.answer.json.token) }',
      },
      expect: { ok: true },
    },
    heartbeat: { ping: '0s', reply: { when: { op: 'ping' }, message: { op: 'pong' } } },
    reconnect: { on: { op: 'bye' }, overlap: '10s' },
  });
  const says = (at: number, text: string) => network.sockets[at]?.says(gzipSync(text));
  const login = async (at: number) => {
    await network.last.opensLater();
    await turn();
    says(at, '{"op":"ping"}');
    says(at, '{"ok":true}');
    const token = `token-${at + 1}`;
    const sign = createHmac('sha256', 'topsecret').update(token).digest('hex');
    assert.deepEqual(network.last.sent, [JSON.stringify({ token, sign }), '{"op":"pong"}']);
  };
  await login(0);
  says(0, seq(1));
  says(0, '{"op":"bye"}');
  assert.equal(network.sockets.length, 2);
  says(0, seq(2));
  await login(1);
  for (const at of [0, 1]) says(at, seq(3));
  says(1, seq(4));
  await turn();
  assert.deepEqual(texts(), [1, 2, 3].map(seq));
  clock.advance(10_000);
  await turn();
  assert.deepEqual(texts(), [1, 2, 3, 4].map(seq));
  assert.equal(calls, 2);
  assert.equal(counter('tidegate_remote_gaps_total'), 0);
  assert.equal(counter('tidegate_remote_dropped_total', { reason: 'duplicate' }), 1);
});

test('a new connection whose prepare fails costs nothing, and the old one stays', async (t) => {
  const api = await startHttpAnswers(t);
  const { network, clock, texts, counter } = await feedRig(t, {
    prepare: { http: { url: api.url }, as: 'answer' },
    dedupe: DEDUPE,
    reconnect: { every: '100s', overlap: '10s', interval: '1s' },
  });
  await network.last.opensLater();
  api.answer = (_, response) => response.writeHead(500).end();
  clock.advance(100_000);
  const [old, failing] = network.sockets;
  await assert.rejects(async () => failing?.asksLater(), /the server answers 500/);
  failing?.ends({ reason: 'the server answers 500' });
  old?.says(seq(1));
  await turn();
  assert.deepEqual(texts(), [seq(1)]);
  api.answer = (_, response) => response.end('{}');
  clock.advance(1_000);
  await network.last.opensLater();
  old?.says(seq(2));
  clock.advance(10_000);
  await turn();
  assert.deepEqual(texts(), [1, 2].map(seq));
  assert.deepEqual([network.sockets.length, old?.isEnded, counter('tidegate_remote_gaps_total')], [3, true, 0]);
});

test('what an overlap remembers ends when the new connection is lost within 60 s after the old one', async (t) => {
  const { network, clock, texts } = await feedRig(t, {
    resume: { cursor: '${! json.seq }' },
    reconnect: { every: '100s', overlap: '10s', interval: '1s' },
  });
  network.last.opens();
  clock.advance(100_000);
  const [old, next] = network.sockets;
  next?.opens();
  old?.says('{"state":"open"}');
  clock.advance(10_000);
  await turn();
  assert.equal(old?.isEnded, true);
  next?.ends();
  clock.advance(1_000);
  network.last.opens();
  network.last.says('{"state":"open"}');
  await turn();
  assert.deepEqual(texts(), ['{"state":"open"}', '{"state":"open"}'], 'the server said it twice');
});

test('a connection closed while JSONata makes its first messages is read until the server has answered', async (t) => {
  const { feed, network } = await feedRig(t, { subscribe: JSONATA });
  const { last } = network;
  last.isPolite = false;
  last.opens();
  assert.equal(last.isPaused, true);
  const closed = feed.close();
  assert.deepEqual([last.isPaused, last.sent], [false, []]);
  last.ends();
  await closed;
});

test('a request for a new connection is seen while JSONata makes the first messages', async (t) => {
  const { network, clock, texts } = await feedRig(t, { subscribe: JSONATA, reconnect: { on: { op: 'bye' } } });
  network.last.opens();
  network.last.says('{"op":"bye"}');
  clock.advance(1);
  await turn();
  assert.equal(network.sockets.length, 2);
  assert.deepEqual([network.sockets[0]?.sent, texts()], [[], []]);
});

test('an interval is kept between messages that JSONata makes; one without its value takes none', async (t) => {
  const { network, clock } = await feedRig(t, {
    subscribe: { messages: [JSONATA, 'no ${! meta.cursor }', 'last'], interval: '2s' },
    resume: { cursor: '${! json.seq }' },
  });
  network.last.opens();
  await turn();
  assert.equal(network.last.sent.length, 1);
  clock.advance(1_999);
  assert.equal(network.last.sent.length, 1);
  clock.advance(1);
  assert.deepEqual(network.last.sent.slice(1), ['last']);
});

test('a heartbeat that JSONata makes goes before messages that wait for send_rate, one after the other', async (t) => {
  const { network, clock } = await feedRig(t, {
    send_rate: '1/s',
    subscribe: ['a', 'b', 'c', 'd'],
    heartbeat: { ping: '0s', send: { every: '500ms', message: JSONATA } },
  });
  network.last.opens();
  for (let n = 0; n < 15; n += 1) {
    clock.advance(500);
    await turn();
  }
  const kinds = network.last.sent.map((text) => (/^\d+$/.test(text) ? 'beat' : text));
  assert.deepEqual(kinds, ['a', 'beat', 'b', 'beat', 'c', 'beat', 'd']);
});

test('resubscriptions wait for send_rate in order, and are dropped with their connection', async (t) => {
  const { network, clock } = await feedRig(t, {
    send_rate: '2/s',
    sequence: {
      value: '${! json.seq }',
      by: '${! json.symbol }',
      resubscribe: [{ send: '-${! meta.by }' }, { send: '+${! meta.by }' }],
    },
  });
  const tick = (n: number, symbol: string) => network.last.says(JSON.stringify({ seq: n, symbol }));
  network.last.opens();
  for (const n of [1, 3, 5]) for (const symbol of ['A', 'B', 'C']) tick(n, symbol);
  await turn();
  assert.deepEqual(network.last.sent, ['-A', '+A'], 'as many as the rate has');
  clock.advance(1_249);
  assert.equal(network.last.sent.length, 2);
  clock.advance(1);
  assert.deepEqual(network.last.sent.slice(2), ['-B', '+B']);
  const [first] = network.sockets;
  network.last.ends();
  clock.advance(1_000);
  network.last.opens();
  clock.advance(2_000);
  assert.deepEqual([first?.sent.length, network.last.sent], [4, []]);
});

test('confirm: reply keeps to send_rate: the timeout of a reply begins when its record is sent', async (t) => {
  const network = new FakeNetwork();
  const clock = new HandClock();
  const replies = { record: '${! json.id }', reply: '${! json.re }', timeout: '3s', tries: 2 };
  const settings = { confirm: 'reply', replies, send_rate: '1/s', heartbeat: { ping: '0s' } };
  const sink = new RemoteSink(sinkSettings(settings), remoteContext(network, { clock }));
  await sink.open();
  t.after(() => sink.close());
  const log = new SettleLog();
  const ids = [1, 2, 3, 4, 5];
  network.last.opens();
  sink.write(batchOf(...ids.map((id) => log.message(JSON.stringify({ id }), { token: id }))));
  assert.equal(network.last.sent.length, 1);
  for (let n = 0; n < 4; n += 1) {
    clock.advance(1_250);
    network.last.drains();
    if (n < 3) network.last.says(JSON.stringify({ re: n + 1 }));
  }
  assert.deepEqual(
    network.last.sent,
    ids.map((id) => JSON.stringify({ id })),
    'each once, as none waited longer than 3 s after it was sent',
  );
  network.last.says('{"re":5}');
  clock.advance(3_000);
  assert.deepEqual(network.last.sent.slice(5), ['{"id":4}'], 'the one without a reply is sent again');
  network.last.says('{"re":4}');
  assert.deepEqual(
    log.outcomes,
    ids.map(() => 'ack'),
  );
});

test('a heartbeat that is still made when its connection ends is not sent, and none follows', async (t) => {
  const { network, clock } = await feedRig(t, {
    heartbeat: { ping: '0s', send: { every: '5s', message: JSONATA } },
    reconnect: { interval: '1h' },
  });
  network.last.opens();
  clock.advance(5_000);
  network.last.ends();
  await turn();
  clock.advance(60_000);
  await turn();
  assert.deepEqual(network.last.sent, []);
});
