import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { turn } from '../actors/rig.ts';
import { feedSettings } from './fake-remote.ts';
import { feedRig } from './feed-rig.ts';

/* Messages of `subscribe` that use what the server has said before. */

/** Of the documentation of Kraken: https://docs.kraken.com/api/docs/guides/futures-websockets */
const KRAKEN = {
  challenge: 'c100b894-1729-464d-ace1-52dbce11db42',
  secret: '7zxMEF5p/Z8l2p2U7Ghv6x14Af+Fx+92tPgUdVQ748FOIrEoT9bgT+bTRfXc5pz8na+hL/QdrCVG7bh9KpT0eMTm',
  signed: '4JEpF3ix66GA2B+ooK128Ift4XQVtc137N9yeg4Kqsn9PI0Kpzbysl9M1IeCEdjg0zl00wkVqcsnG4bmnlMb3A==',
};
const SIGNED =
  '${! $hmac("sha512", meta.secrets.secret, $hash("sha256", meta.challenge.json.message), "base64", "base64", "hex") }';
const ASK = { send: { event: 'challenge' }, expect: { event: 'challenge' }, as: 'challenge' };
const LOGIN = {
  send: { event: 'subscribe', original: '${! meta.challenge.json.message }', proof: SIGNED },
  expect: { event: 'subscribed' },
  reject: { event: 'error' },
};
const kraken = { secrets: { secret: KRAKEN.secret }, subscribe: [ASK, LOGIN] };
const challenge = (message: string) => JSON.stringify({ event: 'challenge', message });
const lastOf = (texts: readonly string[]) => JSON.parse(texts.at(-1) ?? '{}') as Record<string, unknown>;

test('a challenge of Kraken is answered with itself and its signature, and each connection has its own', async (t) => {
  const { network, clock, feed, texts } = await feedRig(t, kraken);
  for (const message of [KRAKEN.challenge, 'another']) {
    network.last.opens();
    assert.deepEqual(network.last.sent, ['{"event":"challenge"}']);
    network.last.says('{"event":"info","version":1}');
    network.last.says(challenge(message));
    await turn();
    assert.deepEqual([network.last.sent.length, lastOf(network.last.sent).original], [2, message]);
    if (message === KRAKEN.challenge) assert.equal(lastOf(network.last.sent).proof, KRAKEN.signed);
    assert.equal(feed.connections[0]?.state, 'subscribing');
    network.last.says('{"event":"subscribed"}');
    assert.equal(feed.connections[0]?.state, 'live');
    await turn();
    assert.deepEqual(texts(), Array(texts().length).fill('{"event":"info","version":1}'), 'replies are no records');
    network.last.ends();
    clock.advance(500);
  }
});

test('a server that speaks first is waited for, in time, and its text can be used, too', async (t) => {
  const password = 'hidden word';
  const { network, clock, feed, lines } = await feedRig(t, {
    secrets: { password },
    subscribe: [
      { expect: { op: 0 }, as: 'hello', timeout: '2s' },
      {
        send: {
          op: 1,
          auth: '${! $hash("sha256", $hash("sha256", meta.secrets.password & meta.hello.json.salt, "base64") & meta.hello.json.challenge, "base64") }',
          size: '${! $length(meta.hello.text) }',
        },
        expect: { op: 2 },
      },
    ],
  });
  network.last.opens();
  clock.advance(1_999);
  assert.deepEqual([network.last.sent, network.last.isEnded], [[], false]);
  const hello = '{"op":0,"salt":"s1","challenge":"c1"}';
  network.last.says(hello);
  await turn();
  const hash = (text: string) => createHash('sha256').update(text).digest('base64');
  assert.deepEqual(lastOf(network.last.sent), { op: 1, auth: hash(`${hash(`${password}s1`)}c1`), size: hello.length });
  network.last.says('{"op":2}');
  assert.equal(feed.connections[0]?.state, 'live');
  network.last.ends();
  clock.advance(500);
  network.last.opens();
  const silent = network.last;
  clock.advance(2_000);
  assert.equal(silent.isEnded, true);
  assert.match(lines.map(({ text }) => text).join('\n'), /no reply to message 1 of subscribe came within 2s/);
});

test('what comes while a message is made of a reply is no reply to it, and is data in order', async (t) => {
  const { network, texts, feed } = await feedRig(t, kraken);
  network.last.opens();
  network.last.says(challenge('a'));
  network.last.says('{"event":"subscribed","early":true}');
  network.last.says('{"n":1}');
  await turn();
  assert.equal(feed.connections[0]?.state, 'subscribing');
  network.last.says('{"event":"subscribed"}');
  network.last.says('{"n":2}');
  await turn();
  assert.deepEqual(texts(), ['{"event":"subscribed","early":true}', '{"n":1}', '{"n":2}']);
});

test('a connection that ends while a message is made of a reply sends nothing', async (t) => {
  const { network } = await feedRig(t, kraken);
  network.last.opens();
  const [first] = network.sockets;
  network.last.says(challenge('a'));
  network.last.ends();
  await turn();
  assert.deepEqual(first?.sent, ['{"event":"challenge"}']);
});

test('a message without a value of the reply is not sent, and one that cannot be made ends the connection', async (t) => {
  const { network, clock, feed, lines } = await feedRig(t, {
    secrets: { key: 'hidden-key' },
    subscribe: [
      { send: 'a', expect: { ok: true }, as: 'first' },
      ['list', '${! meta.first.json.id }'],
      { send: '${! $ed25519(meta.secrets.key, meta.first.json.challenge) }', expect: { ok: 2 } },
      'last',
    ],
    reconnect: { interval: '1s' },
  });
  network.last.opens();
  network.last.says('{"ok":true}');
  await turn();
  assert.deepEqual([network.last.sent, feed.connections[0]?.state], [['a', 'last'], 'live']);
  network.last.ends();
  clock.advance(1_000);
  network.last.opens();
  const failing = network.last;
  network.last.says('{"ok":true,"id":1,"challenge":"x"}');
  await turn();
  assert.deepEqual([failing.sent, failing.isEnded], [['a', '["list",1]'], true]);
  const logged = lines.map(({ text }) => text).join('\n');
  assert.match(logged, /message 3 of subscribe cannot be made: .*key of \$ed25519 is neither PEM/);
  assert.ok(!logged.includes('hidden'));
});

test('heartbeats, the message of resume and subscriptions of new symbols use the reply of their connection', async (t) => {
  const { network, clock } = await feedRig(t, {
    subscribe: [{ send: 'login', expect: { event: 'session' }, as: 'login' }, 'sub ${! meta.login.json.id }'],
    heartbeat: { ping: '0s', send: { every: '5s', message: 'beat ${! meta.login.json.id }' } },
    resume: { cursor: '${! json.seq }', message: 'from ${! meta.cursor } in ${! meta.login.json.id }' },
  });
  for (const id of [1, 2]) {
    network.last.opens();
    network.last.says(`{"event":"session","id":${id}}`);
    network.last.says(`{"seq":${id}}`);
    clock.advance(5_000);
    const resumed = id === 1 ? [] : ['from 1 in 2'];
    assert.deepEqual(network.last.sent, ['login', `sub ${id}`, ...resumed, `beat ${id}`]);
    network.last.ends();
    clock.advance(500);
  }
});

test('an interval is kept before a message that uses a reply', async (t) => {
  const { network, clock } = await feedRig(t, {
    ...kraken,
    subscribe: { messages: [ASK, LOGIN], interval: '2s' },
  });
  network.last.opens();
  network.last.says(challenge('a'));
  clock.advance(1_999);
  await turn();
  assert.equal(network.last.sent.length, 1);
  clock.advance(1);
  await turn();
  assert.equal(network.last.sent.length, 2);
});

test('neither key nor challenge nor signature is shown if the server repeats them', async (t) => {
  const { network, lines, reasons } = await feedRig(t, kraken);
  network.last.opens();
  network.last.says(challenge(KRAKEN.challenge));
  await turn();
  const { proof } = lastOf(network.last.sent);
  assert.equal(proof, KRAKEN.signed);
  network.last.says(JSON.stringify({ event: 'error', of: [KRAKEN.challenge, proof, KRAKEN.secret] }));
  network.last.says('{"n":1}');
  const shown = `${lines.map(({ text, ...more }) => `${text} ${JSON.stringify(more)}`).join('\n')} ${reasons.join()}`;
  assert.match(shown, /the server refuses message 2 of subscribe; the server said: .*error/);
  for (const secret of [KRAKEN.challenge, KRAKEN.secret, KRAKEN.signed]) assert.ok(!shown.includes(secret), secret);
});

test('a message of subscribe is sent as a binary message where the server wants it so, also for symbols', async (t) => {
  const { network } = await feedRig(t, {
    shards: { list: ['A', 'B'], per_message: 1 },
    subscribe: [
      { send: { op: 'login' }, frame: 'binary', expect: { op: 'welcome' } },
      { send: { op: 'subscribe', symbol: '${! meta.shard.symbol }' }, frame: 'binary' },
      { send: 'done', frame: 'text' },
      'over',
    ],
  });
  network.last.opens();
  network.last.says('{"op":"welcome"}');
  assert.deepEqual(network.last.sent, [
    '{"op":"login"}',
    '{"op":"subscribe","symbol":"A"}',
    '{"op":"subscribe","symbol":"B"}',
    'done',
    'over',
  ]);
  assert.deepEqual(network.last.binaries, [true, true, true, false, false]);
  assert.throws(() => feedSettings({ subscribe: { expect: { op: 'hi' }, frame: 'binary' } }), /set send, too/);
});
