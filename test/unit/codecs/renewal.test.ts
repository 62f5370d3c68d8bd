import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chat } from '../../../src/codecs/chat.ts';
import { envelope } from '../../../src/codecs/envelope.ts';
import { json } from '../../../src/codecs/json.ts';
import { raw } from '../../../src/codecs/raw.ts';
import { rooms } from '../../../src/codecs/rooms.ts';
import { topics } from '../../../src/codecs/topics/index.ts';
import type { Codec } from '../../../src/core/component.ts';
import type { Effect } from '../../../src/core/effect.ts';
import type { CodecSpec } from '../../../src/sdk/define.ts';
import { make, NOW, only, read } from './made.ts';
import { room } from './members.ts';

const INFO = { clientId: 'c', endpoint: 'e', params: {}, query: {} };
const REFUSED = { code: 'TG_TOKEN_REFUSED', message: 'token_invalid: no', retryable: false };
const EXPIRES = NOW + 60_000;

/** A connection of the codec, which may renew its token or not. */
function connected(spec: CodecSpec, renews: boolean) {
  const codec = make(spec);
  const { state } = codec.open({ ...INFO, renews }, NOW);
  const send = (frame: object): Effect => only(codec.frame(state, Buffer.from(JSON.stringify(frame)), false, NOW));
  return { codec, state, send };
}

function renewalOf(codec: Codec): NonNullable<Codec['renewal']> {
  assert.ok(codec.renewal);
  return codec.renewal;
}

/** How each protocol shows a token, is asked for one, and answers it. */
const PROTOCOLS = [
  {
    spec: envelope,
    frame: { messageType: 'TOKEN', content: 'abc', id: 7 },
    broken: { messageType: 'TOKEN', content: 5, id: 7, secret: 'abc' },
    asked: { messageType: 'SYSTEM', tokenExpired: true, within: 30 },
    accepted: { messageType: 'ACK', id: 7, expires: new Date(EXPIRES).toISOString() },
    refused: { messageType: 'ERROR', id: 7, code: REFUSED.code, content: REFUSED.message, retryable: false },
  },
  {
    spec: json,
    frame: { type: 'renew', token: 'abc', id: 7 },
    broken: undefined,
    asked: { type: 'renew', within: 30 },
    accepted: { type: 'renewed', id: 7, expires: EXPIRES },
    refused: { type: 'error', id: 7, ...REFUSED },
  },
  {
    spec: rooms,
    frame: { type: 'renew', token: 'abc' },
    broken: { type: 'renew', token: ['abc'] },
    asked: { type: 'renew', within: 30 },
    accepted: { type: 'renewed', expires: EXPIRES },
    refused: { type: 'error', message: REFUSED.message },
  },
  {
    spec: topics,
    frame: { id: 7, t: 'token', p: 'abc' },
    broken: { id: 7, t: 'token', p: { token: 'abc' } },
    asked: { id: 1, t: 'token', a: 'expired', p: { within: 30 } },
    accepted: { id: 2, refid: 7, t: 'token', s: 0, p: { expires: EXPIRES } },
    refused: { id: 3, refid: 7, t: 'token', s: 1, p: REFUSED.message, code: REFUSED.code, retryable: false },
  },
] as const;

for (const { spec, frame, broken, asked, accepted, refused } of PROTOCOLS) {
  test(`${spec.name}: a frame shows a new token, one asks for it, and one answers it`, () => {
    const { codec, state, send } = connected(spec, true);
    const effect = send(frame);
    assert.ok(effect.type === 'renew');
    assert.equal(effect.token, 'abc');
    const { ask, renewed } = renewalOf(codec);
    const shown = (made: object, expected: object) =>
      assert.deepEqual(Object.fromEntries(Object.entries(made).filter(([name]) => name in expected)), expected);
    shown(read(ask(state, 30, NOW)), asked);
    shown(read(renewed(state, effect.correlation, null, NOW, EXPIRES)), accepted);
    shown(read(renewed(state, effect.correlation, REFUSED, NOW, undefined)), refused);
    const endless = read(renewed(state, effect.correlation, null, NOW, undefined));
    assert.ok(!JSON.stringify(endless).includes('expires'));
    // A time that no date can have, as a token may say it.
    assert.doesNotThrow(() => renewed(state, effect.correlation, null, NOW, 1e300));
  });

  test(`${spec.name}: where no token can be renewed the frame means what it meant without`, () => {
    const effect = connected(spec, false).send(frame);
    assert.equal(effect.type, spec === json ? 'publish' : 'reply');
    if (effect.type === 'reply') assert.ok(effect.rejected !== undefined);
  });

  if (broken !== undefined)
    test(`${spec.name}: a frame with a broken token is answered, without the token, and makes no dead letter`, () => {
      const effect = connected(spec, true).send(broken);
      assert.ok(effect.type === 'reply');
      assert.equal(effect.rejected, undefined);
      assert.match(String(effect.frame.data), /must be the new token/);
      assert.ok(!String(effect.frame.data).includes('abc'));
    });
}

test('json: only a text is a token, and an id that is too long is not repeated', () => {
  const { send } = connected(json, true);
  assert.equal(send({ type: 'renew', token: 5 }).type, 'publish');
  assert.equal(send({ type: 'renewal', token: 'abc' }).type, 'publish');
  const long = send({ type: 'renew', token: 'abc', id: 'x'.repeat(257) });
  assert.ok(long.type === 'renew' && long.correlation === undefined);
});

test('chat and raw have no frame for a token', () => {
  for (const spec of [chat, raw]) assert.equal(make(spec).renewal, undefined);
});

test('a name of the configuration is the name in rooms and chat, checked as one in a path is', () => {
  for (const spec of [rooms, chat]) {
    const { identify } = room(make(spec));
    const named = identify({ ...INFO, params: { username: 'Eve' }, name: ' Ａda ' });
    assert.ok(named.type === 'named' && named.name === 'Ada', spec.name);
    for (const name of ['', ' ', 'a\nb', 'a\u200bb', 'x'.repeat(65)])
      assert.equal(identify({ ...INFO, name }).type, 'refused', `${spec.name} ${JSON.stringify(name)}`);
  }
  const { identify } = room(make(rooms));
  assert.equal(identify({ ...INFO, name: 'client-7' }).type, 'refused', 'the room gives such names itself');
  assert.deepEqual(identify(INFO), { type: 'numbered', prefix: 'client-' });
});
