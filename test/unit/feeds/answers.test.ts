import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { RemoteSink } from '../../../src/feeds/sink/remote-sink.ts';
import { turn } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';
import { FakeNetwork, remoteContext, sinkSettings } from './fake-remote.ts';
import { feedRig } from './feed-rig.ts';

/* Answers to messages that are more than paths of the message. */

const KEY = 'the-secret-key';
const sign = (text: string) => createHmac('sha256', KEY).update(text).digest('hex');
const CHALLENGE = {
  when: { event: 'challenge' },
  message: {
    event: 'auth',
    token: '${! meta.token }',
    at: '${! meta.now }',
    sign: '${! $hmac("sha256", meta.secrets.api, json.message) }',
  },
};
const settings = { auth: { token: 'the-token', handshake: false }, secrets: { api: KEY } };

test('heartbeat.reply signs a challenge with a secret, at any time, and answers keep their order', async (t) => {
  const { network, clock, texts } = await feedRig(t, {
    ...settings,
    heartbeat: { ping: '0s', reply: [CHALLENGE, { when: { op: 'ping' }, message: { pong: '${! json.n }' } }] },
  });
  network.last.opens('the-token');
  for (const message of ['one', 'two']) network.last.says(JSON.stringify({ event: 'challenge', message }));
  network.last.says('{"op":"ping","n":1.50}');
  network.last.says('{"n":1}');
  await turn();
  const at = clock.now();
  assert.deepEqual(network.last.sent, [
    ...['one', 'two'].map((text) => JSON.stringify({ event: 'auth', token: 'the-token', at, sign: sign(text) })),
    '{"pong":1.50}',
  ]);
  assert.deepEqual(texts(), ['{"n":1}']);
});

test('a sink answers a challenge, too', async (t) => {
  const network = new FakeNetwork();
  const reply = { ...CHALLENGE, message: { sign: CHALLENGE.message.sign } };
  const context = remoteContext(network, { clock: new HandClock() });
  const sink = new RemoteSink(sinkSettings({ ...settings, heartbeat: { ping: '0s', reply } }), context);
  await sink.open();
  t.after(() => sink.close());
  network.last.opens();
  network.last.says('{"event":"challenge","message":"one"}');
  await turn();
  assert.deepEqual(network.last.sent, [JSON.stringify({ sign: sign('one') })]);
});

test('answers by ack are computed and signed, in the order of the messages, and sent before a stop', async (t) => {
  const { network, feed, messages } = await feedRig(
    t,
    {
      ...settings,
      ack: { message: { ack: '${! json.n * 2 }', sign: '${! $hmac("sha256", meta.secrets.api, text) }' } },
    },
    { isSettling: false },
  );
  network.last.opens();
  const texts = Array.from({ length: 50 }, (_, n) => `{"n":${n}}`);
  for (const text of texts) network.last.says(text);
  await turn();
  for (const message of messages) message.ack();
  const { last } = network;
  await feed.close();
  assert.deepEqual(
    last.sent,
    texts.map((text, n) => JSON.stringify({ ack: n * 2, sign: sign(text) })),
  );
  assert.equal(last.orders.at(-1), 'close 1000');
});

test('resubscriptions use what the connect knows, the gap and by', async (t) => {
  const { network } = await feedRig(t, {
    ...settings,
    subscribe: { expect: { event: 'hello' }, as: 'hello' },
    sequence: {
      value: '${! json.seq }',
      by: '${! json.symbol }',
      resubscribe: [
        { send: '-${! meta.by } ${! meta.hello.json.id }' },
        {
          send: {
            to: '${! meta.by }',
            from: '${! json.seq + 1 }',
            sign: '${! $hmac("sha256", meta.secrets.api, meta.by) }',
          },
        },
      ],
    },
  });
  network.last.opens();
  network.last.says('{"event":"hello","id":7}');
  for (const seq of [1, 3]) network.last.says(JSON.stringify({ seq, symbol: 'A' }));
  await turn();
  await turn();
  assert.deepEqual(network.last.sent, ['-A 7', JSON.stringify({ to: 'A', from: 4, sign: sign('A') })]);
});

test('an answer that cannot be made is a warning a minute, without secrets; one to no JSON is none', async (t) => {
  const reply = { when: '${! $exists(text) }', message: '${! $hmac(meta.secrets.api, meta.secrets.api, json.text) }' };
  const { network, clock, lines } = await feedRig(t, { ...settings, heartbeat: { ping: '0s', reply } });
  const warnings = () => lines.filter(({ text }) => text.includes('cannot be made')).map(({ text }) => text);
  network.last.opens();
  network.last.says('no JSON');
  await turn();
  assert.deepEqual(warnings(), []);
  for (let n = 0; n < 5; n += 1) network.last.says('{"text":"x"}');
  await turn();
  assert.match(
    warnings().join(),
    /^an answer to a message of wss:\/\/feed\.example\/ws cannot be made: .*the hash of \$hmac/,
  );
  clock.advance(60_000);
  assert.match(warnings()[1] ?? '', /^4 more answers .* cannot be made within 1m/);
  assert.deepEqual([warnings().length, network.last.sent], [2, []]);
  assert.ok(!warnings().join().includes(KEY));
});

test('a signature in an answer or a heartbeat is not shown if the server repeats it', async (t) => {
  const signed = (name: string) => ({ [name]: '${! $hmac("sha256", meta.secrets.api, $string(meta.now), "base64") }' });
  const { network, clock, lines, reasons } = await feedRig(t, {
    ...settings,
    heartbeat: {
      ping: '0s',
      send: { every: '5s', message: signed('mac') },
      reply: { when: { event: 'challenge' }, message: signed('proof') },
    },
  });
  network.last.opens('the-token');
  network.last.says('{"event":"challenge"}');
  await turn();
  clock.advance(5_000);
  await turn();
  const [proof, mac] = network.last.sent.map((text) => Object.values(JSON.parse(text) as object)[0] as string);
  network.last.ends({ kind: 'closed', code: 1008, reason: `bad ${proof} and ${mac}` });
  const shown = `${lines.map((line) => JSON.stringify(line)).join('\n')} ${reasons.join()}`;
  assert.match(shown, /bad \*\*\* and \*\*\*/);
});

test('a connection that ends while an answer is made gets none', async (t) => {
  const { network } = await feedRig(t, { ...settings, heartbeat: { ping: '0s', reply: CHALLENGE } });
  network.last.opens('the-token');
  const [first] = network.sockets;
  network.last.says('{"event":"challenge","message":"one"}');
  network.last.ends();
  await turn();
  assert.deepEqual(first?.sent, []);
});
