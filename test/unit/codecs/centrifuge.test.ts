import assert from 'node:assert/strict';
import { test } from 'node:test';
import { centrifuge } from '../../../src/codecs/centrifuge/index.ts';
import type { Effect } from '../../../src/core/effect.ts';
import { Message } from '../../../src/core/message.ts';
import { make, NOW, only, published, read } from './made.ts';

const codec = make(centrifuge);
const client = { clientId: 'c', endpoint: 'e', params: {}, query: {} };
const all = { ...client, subscribes: true, publishes: true, renews: true };
const POSITION = { epoch: 'e1', partition: 2, offset: 7 };

/** A client whose `connect` is answered; what it sends. */
function connected(connection = all, of = codec) {
  const { state } = of.open(connection, NOW);
  const send = (...lines: unknown[]) =>
    of.frame(state, Buffer.from(lines.map((line) => JSON.stringify(line)).join('\n')), false, NOW);
  const [asked] = send({ id: 1, connect: { token: 't' } });
  const correlation = asked?.type === 'introduce' ? asked.correlation : assert.fail('no introduce');
  const accept = (channels = new Map(), expires?: number) =>
    of.introduction?.accepted(state, correlation, { connection, expires, channels, pingInterval: 20 }, NOW) ?? null;
  return { state, send, accept, correlation };
}

function answered(connection = all, of = codec) {
  const client = connected(connection, of);
  client.accept();
  return client;
}

const codeOf = (effects: readonly Effect[]) => {
  const effect = effects.at(-1);
  if (effect?.type === 'close') return effect.code;
  return effect?.type === 'reply' ? (read(effect.frame).error as { code: number } | undefined)?.code : effect?.type;
};

test('connect asks to be let in with its token, and what is behind it in the frame comes after', () => {
  const { state } = codec.open(all, NOW);
  const lines = ['{"id":1,"connect":{"token":"t","name":"js"}}', '{"id":2,"subscribe":{"channel":"a"}}'];
  assert.deepEqual(codec.frame(state, Buffer.from(lines.join('\n')), false, NOW), [
    { type: 'introduce', token: 't', correlation: { id: 1, method: 'connect' } },
    { type: 'subscribe', channel: 'a', correlation: { id: 2, method: 'subscribe' } },
  ]);
});

test('connect without a token, or with an empty one, shows none', () => {
  for (const connect of [{}, { token: '' }]) {
    const { state } = codec.open(all, NOW);
    const effects = codec.frame(state, Buffer.from(JSON.stringify({ id: 1, connect })), false, NOW);
    assert.deepEqual(only(effects), { type: 'introduce', correlation: { id: 1, method: 'connect' } });
  }
});

test('connect shows where the client is in channels of the gateway; what is no position is null', () => {
  const { state } = codec.open(all, NOW);
  const subs = {
    a: { recover: true, epoch: 'e1.2', offset: 7 },
    b: { recover: true, epoch: '_' },
    c: { epoch: 'e1.2' },
    d: 7,
  };
  const effect = only(codec.frame(state, Buffer.from(JSON.stringify({ id: 1, connect: { subs } })), false, NOW));
  assert.deepEqual(effect.type === 'introduce' && [...(effect.since ?? [])], [
    ['a', POSITION],
    ['b', null],
  ]);
});

test('the answer to connect has the client, its channels, the life of its token and the time between pings', () => {
  const { accept } = connected();
  const channels = new Map([
    ['a', { position: POSITION, recovered: true }],
    ['b', {}],
  ]);
  assert.deepEqual(read(accept(channels, NOW + 1_500)), {
    id: 1,
    connect: {
      client: 'c',
      version: 'Tidegate',
      expires: true,
      ttl: 2,
      subs: {
        a: { recoverable: true, positioned: true, epoch: 'e1.2', offset: 7, was_recovering: true, recovered: true },
        b: {},
      },
      ping: 20,
      pong: true,
    },
  });
  assert.equal('subs' in (read(connected().accept()).connect as object), false);
});

test('a client that is not let in hears a code of the protocol, and may try again after an answer', () => {
  const refuse = (status: 401 | 403 | 429 | 503, reason: string) => {
    const { state, correlation, send } = connected();
    const effects = codec.introduction?.refused(state, correlation, { status, reason, message: 'no' }, NOW) ?? [];
    return { code: codeOf(effects), again: codeOf(send({ id: 2, connect: {} })) };
  };
  assert.deepEqual(refuse(401, 'token_expired'), { code: 109, again: 'introduce' });
  assert.deepEqual(refuse(401, 'token_signature'), { code: 3500, again: 'introduce' });
  assert.equal(refuse(401, 'token_missing').code, 101);
  assert.equal(refuse(403, 'not_allowed').code, 103);
  assert.equal(refuse(429, 'identity_connections').code, 3504);
  assert.equal(refuse(503, 'keys_unavailable').code, 100);
});

test('commands before connect, and a second connect, are bad requests', () => {
  const { state } = codec.open(all, NOW);
  assert.equal(codeOf(codec.frame(state, Buffer.from('{"id":1,"subscribe":{"channel":"a"}}'), false, NOW)), 3501);
  assert.equal(codeOf(connected().send({ id: 2, connect: {} })), 3501);
  assert.equal(codeOf(answered().send({ id: 2, connect: {} })), 3501);
});

test('subscribe shows a position only where it recovers', () => {
  const { send } = answered();
  const correlation = { id: 2, method: 'subscribe' };
  const place = { epoch: 'e1.2', offset: 7 };
  assert.deepEqual(send({ id: 2, subscribe: { channel: 'a', ...place } }), [
    { type: 'subscribe', channel: 'a', correlation },
  ]);
  assert.deepEqual(send({ id: 2, subscribe: { channel: 'a', recover: true, ...place } }), [
    { type: 'subscribe', channel: 'a', since: POSITION, correlation },
  ]);
  // The offset 0 is left out.
  assert.deepEqual(send({ id: 2, subscribe: { channel: 'a', recover: true, epoch: 'e1.2' } }), [
    { type: 'subscribe', channel: 'a', since: { ...POSITION, offset: 0 }, correlation },
  ]);
  assert.deepEqual(send({ id: 2, subscribe: { channel: 'a', recover: true, epoch: '' } }), [
    { type: 'subscribe', channel: 'a', since: null, correlation },
  ]);
});

test('answers of channels are those of the protocol', () => {
  const { state } = answered();
  const asked = { id: 3, method: 'subscribe' };
  const left = { id: 4, method: 'unsubscribe' };
  const { channels } = codec;
  const rejection = (code: string, retryable = false) => ({ code, message: 'why', retryable });
  const refuse = (correlation: object, code: string) =>
    read(channels?.refused(state, correlation, 'a', rejection(code), NOW) ?? null);
  const facts = { position: POSITION, recovered: false };
  assert.deepEqual(read(channels?.subscribed(state, asked, 'a', facts, NOW) ?? null), {
    id: 3,
    subscribe: {
      recoverable: true,
      positioned: true,
      epoch: 'e1.2',
      offset: 7,
      was_recovering: true,
      recovered: false,
    },
  });
  assert.deepEqual(read(channels?.subscribed(state, undefined, 'a', {}, NOW) ?? null), {
    push: { channel: 'a', subscribe: {} },
  });
  assert.deepEqual(read(channels?.unsubscribed(state, left, 'a', null, NOW) ?? null), { id: 4, unsubscribe: {} });
  const ended = channels?.unsubscribed(state, undefined, 'a', rejection('TG_NOT_ALLOWED'), NOW) ?? null;
  assert.deepEqual(read(ended), { push: { channel: 'a', unsubscribe: { code: 2000, reason: 'why' } } });
  assert.deepEqual(refuse(asked, 'TG_NOT_ALLOWED'), { id: 3, error: { code: 103, message: 'permission denied' } });
  assert.deepEqual(refuse(asked, 'TG_LIMIT_REACHED'), { id: 3, error: { code: 106, message: 'why' } });
  assert.equal((refuse(asked, 'TG_MESSAGE_INVALID').error as { code: number }).code, 107);
  assert.deepEqual(refuse(left, 'TG_NOT_SUBSCRIBED'), { id: 4, unsubscribe: {} });
});

test('a record is a publication of its channel, with the offset that a client has which has it', () => {
  const publication = (channel: string | undefined, payload: string, position?: typeof POSITION) =>
    String(codec.channels?.publication(channel, new Message(Buffer.from(payload), { meta: {} }), position, NOW)?.data);
  assert.equal(publication('a"', '{"n": 1e400}'), '{"push":{"channel":"a\\"","pub":{"data":{"n": 1e400}}}}');
  assert.equal(publication('a', '1', POSITION), '{"push":{"channel":"a","pub":{"data":1,"offset":7}}}');
  assert.equal(publication('a', 'plain'), '{"push":{"channel":"a","pub":{"data":"plain"}}}');
  assert.equal(publication(undefined, '1'), '{"push":{"message":{"data":1}}}');
  assert.equal(publication('client.c', '1'), '{"push":{"message":{"data":1}}}');
  assert.equal(
    String(codec.record(new Message(Buffer.from('1'), { meta: {} }), NOW)?.data),
    publication(undefined, '1'),
  );
});

test('publish hands on its data as written, and is answered when it is settled', () => {
  const { state } = answered();
  const line = '{"id":5,"publish":{"channel":"a","data":{"n": 1.0}}}';
  const { message, channel, correlation } = published(codec.frame(state, Buffer.from(line), false, NOW));
  assert.deepEqual([String(message.payload), channel], ['{"n": 1.0}', 'a']);
  assert.deepEqual(read(codec.settled(state, correlation, null, NOW, 'stored')), { id: 5, publish: {} });
  const failed = { code: 'TG_LOG_UNAVAILABLE', message: 'away', retryable: true };
  assert.deepEqual(read(codec.settled(state, correlation, failed, NOW)), {
    id: 5,
    error: { code: 100, message: 'TG_LOG_UNAVAILABLE: away', temporary: true },
  });
  const { send } = answered();
  assert.equal(codeOf(send({ id: 5, publish: { channel: 'a' } })), 107);
});

test('rpc and send are messages only where calls are offered; rpc is answered, send is not', () => {
  assert.equal(codeOf(answered().send({ id: 6, rpc: { method: 'm' } })), 108);
  assert.equal(codeOf(answered().send({ send: { data: 1 } })), 3501);
  const calling = make(centrifuge, { calls: true });
  const { send, state } = answered(all, calling);
  const called = published(send({ id: 6, rpc: { method: 'm', data: [1] } }));
  assert.deepEqual([String(called.message.payload), called.message.method], ['[1]', 'm']);
  assert.deepEqual(read(calling.settled(state, called.correlation, null, NOW)), { id: 6, rpc: { data: {} } });
  const sent = published(send({ send: { data: 'x' } }));
  assert.deepEqual([String(sent.message.payload), sent.message.method], ['"x"', undefined]);
  assert.equal(calling.settled(state, sent.correlation, null, NOW), null);
  assert.equal(String(published(send({ id: 7, rpc: { method: 'm' } })).message.payload), 'null');
});

test('refresh renews the token; the answer has its life, or a code of the protocol', () => {
  const { send, state } = answered();
  const correlation = { id: 8, method: 'refresh' };
  assert.deepEqual(only(send({ id: 8, refresh: { token: 't' } })), { type: 'renew', token: 't', correlation });
  const renewed = (code?: string, message = 'no') =>
    read(
      codec.renewal?.renewed(
        state,
        correlation,
        code === undefined ? null : { code, message, retryable: false },
        NOW,
        NOW + 60_000,
      ) ?? null,
    );
  assert.deepEqual(renewed(), { id: 8, refresh: { version: 'Tidegate', expires: true, ttl: 60 } });
  const codes = [['TG_TOKEN_REFUSED', 'token_expired: get a new one'], ['TG_TOKEN_REFUSED'], ['TG_LIMIT_REACHED']];
  assert.deepEqual(
    codes.map(([code, why]) => (renewed(code, why).error as { code: number }).code),
    [109, 101, 111],
  );
  assert.equal(codec.renewal?.ask(state, 30, NOW), null);
});

test('presence lists the clients of a channel, presence_stats counts them, and changes are pushes', () => {
  const { send, state } = answered({ ...all, seesPresence: true } as typeof all);
  const ask = (method: string) => {
    const effect = only(send({ id: 9, [method]: { channel: 'a' } }));
    return effect.type === 'presence' ? effect : assert.fail(effect.type);
  };
  const ann = { client: 'c', user: 'ann', info: { name: 'Ann' } };
  const answer = (method: string, members?: (typeof ann)[]) => {
    const { correlation, channel, counts } = ask(method);
    assert.deepEqual([channel, counts], ['a', members === undefined]);
    const presence = { clients: 2, users: 1, members, isPartial: false };
    return read(codec.channels?.presence?.answered(state, correlation, channel, presence, NOW) ?? null);
  };
  const info = { client: 'c', user: 'ann', conn_info: { name: 'Ann' } };
  assert.deepEqual(answer('presence', [ann]), { id: 9, presence: { presence: { c: info } } });
  assert.deepEqual(answer('presence_stats'), { id: 9, presence_stats: { num_clients: 2, num_users: 1 } });
  const push = (type: 'joined' | 'left') =>
    read(codec.channels?.presence?.announce('a', { type, client: ann }, NOW) ?? null);
  assert.deepEqual(push('joined'), { push: { channel: 'a', join: { info } } });
  assert.deepEqual(push('left'), { push: { channel: 'a', leave: { info } } });
});

test('what the endpoint does not offer is not available', () => {
  const { send } = answered({ ...client } as typeof all);
  const asked = [
    { subscribe: { channel: 'a' } },
    { publish: { channel: 'a', data: 1 } },
    { refresh: { token: 't' } },
    { sub_refresh: { channel: 'a', token: 't' } },
    { history: { channel: 'a' } },
    { presence: { channel: 'a' } },
    { presence_stats: { channel: 'a' } },
  ];
  for (const command of asked) assert.equal(codeOf(send({ id: 9, ...command })), 108, JSON.stringify(command));
  assert.equal(codeOf(send({ id: 9, fly: {} })), 104);
});

test('an empty object is a pong and an empty line nothing; ping is answered', () => {
  const { send, state } = answered();
  assert.deepEqual(codec.frame(state, Buffer.from('{}\n\n{ }\n  '), false, NOW), []);
  const effect = only(send({ id: 9, ping: {} }));
  assert.deepEqual(effect.type === 'reply' && read(effect.frame), { id: 9, ping: {} });
});

test('closes have the codes of the protocol, by which libraries know whether to come back', () => {
  const codes = [1008, 1011, 1012, 1013, 4401, 4403, 4408, 4429, 1009].map(
    (code) => codec.farewell?.({ code, reason: 'r' }).code,
  );
  assert.deepEqual(codes, [3008, 3004, 3001, 3004, 3005, 3500, 3502, 4429, 1009]);
});

test('a client that has missed records is asked to connect again', () => {
  assert.deepEqual(read(codec.dropped(3, NOW)), {
    push: { disconnect: { code: 3010, reason: 'insufficient state', reconnect: true } },
  });
});

test('malformed frames end the connection, and what is in front of the mistake is done', () => {
  const bad = [
    ...['{"id":1', 'null', '7', '[]', '"x"', '{"id":-1,"ping":{}}', '{"id":1.5,"ping":{}}', '{"id":"1","ping":{}}'],
    ...['{"ping":{}}', '{"id":1}', '{"id":4294967296,"ping":{}}', '{"id":1,"subscribe":null}', '{"id":1,"publish":[]}'],
    ...['{"id":1,"subscribe":{"channel":7}}', '{"id":1,"unsubscribe":{}}', '{"id":1,"refresh":{}}'],
    `${'['.repeat(500_000)}`,
  ];
  for (const line of bad) {
    const { state } = answered();
    const effects = codec.frame(state, Buffer.from(`{"id":2,"ping":{}}\n${line}\n{"id":3,"ping":{}}`), false, NOW);
    assert.deepEqual(
      effects.map(({ type }) => type),
      ['reply', 'close'],
      line.slice(0, 40),
    );
    assert.equal(codeOf(effects), 3501);
  }
  assert.equal(codeOf(codec.frame(answered().state, Buffer.from('{}'), true, NOW)), 3501);
});

test('a frame has at most 16384 commands; ids that come again are answered again', () => {
  const { send } = answered();
  const pings = (count: number) => send(...Array.from({ length: count }, () => ({ id: 1, ping: {} })));
  assert.equal(
    pings(16_384).every(({ type }) => type === 'reply'),
    true,
  );
  assert.equal(codeOf(pings(16_385)), 3501);
});

test('names of objects in JavaScript are no methods, and data may nest deeply', () => {
  const { send, state } = answered();
  for (const name of ['constructor', 'toString', 'hasOwnProperty'])
    assert.equal(codeOf(send({ id: 1, [name]: {} })), 104, name);
  assert.equal(codeOf(codec.frame(state, Buffer.from('{"id":1,"__proto__":{"ping":{}}}'), false, NOW)), 104);
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  const line = `{"id":1,"publish":{"channel":"a","data":${deep}}}`;
  assert.equal(published(codec.frame(state, Buffer.from(line), false, NOW)).message.payload.length, 200_000);
});
