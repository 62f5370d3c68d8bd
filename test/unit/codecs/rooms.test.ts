import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { test } from 'node:test';
import fc from 'fast-check';
import { rooms } from '../../../src/codecs/rooms.ts';
import type { MemberEvent } from '../../../src/core/membership.ts';
import { Message, type MessageInit } from '../../../src/core/message.ts';
import { make, NOW, only, published, read, refused } from './made.ts';
import { DEEP, frames, records, room } from './members.ts';

const codec = make(rooms);
const membership = room(codec);
const connection = { clientId: 'client-7', endpoint: 'rooms', params: {}, query: {} };
const { state, effects } = codec.open(connection, NOW);
const sendBytes = (data: Buffer, binary = false) => codec.frame(state, data, binary, NOW);
const send = (request: unknown) => sendBytes(Buffer.from(JSON.stringify(request)));
const record = (payload: string | Buffer, init: MessageInit = {}) =>
  codec.record(new Message(Buffer.from(payload), init), NOW);
const hear = (event: MemberEvent) => membership.event(state, event, NOW);

test('clients are numbered by their room, and get their ID when they join', () => {
  assert.deepEqual(membership.identify(connection), { type: 'numbered', prefix: 'client-' });
  assert.deepEqual(refused(effects), { reason: undefined, frame: { type: 'welcome', clientId: 'client-7' } });
});

test('a broadcast becomes a record under the name of its sender, by either of its types', () => {
  for (const type of ['broadcast-all', 'broadcast']) {
    const { message } = published(send({ type, message: 'Hello everyone!' }));
    const said = { from: 'client-7', message: 'Hello everyone!', timestamp: '2024-01-01T12:00:00.000Z' };
    assert.deepEqual(JSON.parse(message.payload.toString()), said);
    assert.deepEqual(message.json, said);
    assert.equal(message.key, 'client-7');
    assert.equal(message.timestamp, NOW);
  }
});

test('a broadcast may carry any JSON value, and arrives unchanged', () => {
  for (const message of ['', 0, 12.5, false, [1, { a: 2 }], { text: 'grüße' }, '\ud800']) {
    const { payload, key = null } = published(send({ type: 'broadcast-all', message })).message;
    assert.deepEqual(read(record(payload, { key })), {
      type: 'kafka',
      message,
      from: 'client-7',
      timestamp: '2024-01-01T12:00:00.000Z',
    });
  }
});

test('a direct message goes to its target, as JSON if it is not a text', () => {
  const direct = (message: unknown) => only(send({ type: 'broadcast-one', targetId: 'client-1', message }));
  assert.deepEqual(direct('Hello client-1!'), { type: 'direct', to: 'client-1', content: 'Hello client-1!' });
  assert.deepEqual(direct(''), { type: 'direct', to: 'client-1', content: '' });
  assert.deepEqual(direct({ a: [1] }), { type: 'direct', to: 'client-1', content: '{"a":[1]}' });
});

test('a kick goes to its target, and kick-all to everyone', () => {
  assert.deepEqual(send({ type: 'kick-one', targetId: 'client-1' }), [{ type: 'kick', target: 'client-1' }]);
  assert.deepEqual(send({ type: 'kick-all' }), [{ type: 'kick' }]);
  assert.deepEqual(send({ type: 'kick-all', targetId: 'client-1' }), [{ type: 'kick' }]);
});

test('a frame that is not a request gets an error with the mistake and an example', () => {
  const cases: readonly (readonly [unknown, string, RegExp])[] = [
    [[], 'shape', /must be a JSON object; send one such as \{"type":"broadcast-all"/],
    ['text', 'shape', /must be a JSON object/],
    [null, 'shape', /must be a JSON object/],
    [{}, 'type', /type is missing; send one of broadcast-all, broadcast, broadcast-one, kick-one, kick-all/],
    [{ type: 'shout' }, 'type', /type "shout" is unknown; send one of broadcast-all/],
    [{ type: 7 }, 'type', /type must be a text; send one of/],
    [{ type: 'toString' }, 'type', /"toString" is unknown/],
    [{ type: 'broadcast-all' }, 'message', /message is missing; broadcast-all needs/],
    [{ type: 'broadcast', message: null }, 'message', /message is missing; broadcast needs/],
    [{ type: 'broadcast-one', targetId: 'client-1' }, 'message', /message is missing; broadcast-one needs/],
    [{ type: 'broadcast-one', message: 'a' }, 'target', /targetId is missing; broadcast-one needs the ID of a client/],
    [{ type: 'broadcast-one', message: 'a', targetId: '' }, 'target', /targetId is empty/],
    [{ type: 'kick-one' }, 'target', /targetId is missing; kick-one needs/],
    [{ type: 'kick-one', targetId: 1 }, 'target', /targetId must be a text/],
    [{ type: 'kick-one', targetId: null }, 'target', /targetId must be a text/],
  ];
  for (const [request, reason, message] of cases) {
    const refusal = refused(send(request));
    assert.equal(refusal.reason, reason, JSON.stringify(request));
    assert.equal(refusal.frame.type, 'error');
    assert.match(String(refusal.frame.message), message);
  }
});

test('a frame that is not JSON, or binary, gets an error with its own reason', () => {
  for (const bytes of ['', '{', 'Hello', '\ufeff{"type":"kick-all"}']) {
    const refusal = refused(sendBytes(Buffer.from(bytes)));
    assert.equal(refusal.reason, 'not_json');
    assert.match(String(refusal.frame.message), /not JSON.*; send one such as/s);
  }
  const refusal = refused(sendBytes(Buffer.from('{"type":"kick-all"}'), true));
  assert.equal(refusal.reason, 'binary');
  assert.match(String(refusal.frame.message), /text frame with JSON was expected/);
});

test('a message of any depth, and with any digits, is passed on as it came', () => {
  for (const json of [DEEP, '{"id":8389766145050669871, "price":1.10}']) {
    const [said] = sendBytes(Buffer.from(`{"type":"broadcast-all","message":${json}}`));
    assert.equal(said?.type, 'publish');
    const payload = String(said?.type === 'publish' && said.message.payload);
    assert.ok(payload.startsWith(`{"from":"client-7","message":${json},"timestamp":`), payload.slice(0, 100));
    assert.ok(String(record(payload)?.data).startsWith(`{"type":"kafka","message":${json},"from":"client-7"`));
    const [direct] = sendBytes(Buffer.from(`{"type":"broadcast-one","targetId":"client-1","message":${json}}`));
    assert.deepEqual(direct, { type: 'direct', to: 'client-1', content: json });
  }
});

test('an error quotes a limited part of what the client sent', () => {
  const long = 'x'.repeat(100_000);
  assert.ok(String(refused(send({ type: long })).frame.message).length < 250);
  const refusal = hear({ type: 'refused', action: 'direct', target: long, reason: 'unknown' });
  assert.ok(String(refused(refusal).frame.message).length < 250);
});

test('a direct message names its sender', () => {
  assert.deepEqual(refused(hear({ type: 'direct', from: 'client-1', content: 'Hi' })).frame, {
    type: 'direct',
    from: 'client-1',
    message: 'Hi',
  });
});

test('a kicked client gets the frame type of its endpoint before it is closed with 4003', () => {
  const kicked = (effects: ReturnType<typeof hear>) => {
    const [told, close, ...rest] = effects;
    assert.deepEqual(rest, []);
    assert.deepEqual(close, { type: 'close', code: 4003, reason: 'kicked' });
    return refused(told === undefined ? [] : [told]).frame;
  };
  assert.deepEqual(kicked(hear({ type: 'kicked', by: 'client-1' })), {
    type: 'kicked',
    message: 'You have been kicked out.',
    by: 'client-1',
  });
  const other = room(make(rooms, { kick_type: 'kick' }));
  assert.equal(kicked(other.event(state, { type: 'kicked', by: 'client-1' }, NOW)).type, 'kick');
});

test('a refusal is sent to the client that asked', () => {
  const told = (action: 'direct' | 'kick', reason: 'unknown' | 'forbidden' | 'unavailable', target?: string) => {
    const { frame, reason: label } = refused(hear({ type: 'refused', action, target, reason }));
    assert.equal(frame.type, 'error');
    assert.equal(label, undefined);
    return frame.message;
  };
  assert.equal(told('direct', 'unknown', 'client-9'), 'there is no client client-9');
  assert.equal(told('kick', 'unknown', 'client-9'), 'there is no client client-9');
  assert.equal(told('kick', 'unknown'), 'there is no such client');
  assert.equal(told('direct', 'forbidden', 'client-9'), 'this endpoint does not allow direct messages');
  assert.equal(told('kick', 'forbidden'), 'this endpoint does not allow kicks');
  assert.equal(told('direct', 'unavailable', 'client-9'), 'the message could not be passed on, try again');
  assert.equal(told('kick', 'unavailable', 'client-9'), 'the kick could not be passed on, try again');
});

test('joins, leaves and the list of clients have a frame each', () => {
  const member = { name: 'client-8', details: {} };
  const announced = (type: 'joined' | 'left') => read(membership.announce({ type, member }, NOW));
  assert.deepEqual(announced('joined'), { type: 'client-connected', clientId: 'client-8' });
  assert.deepEqual(announced('left'), { type: 'client-disconnected', clientId: 'client-8' });
  assert.deepEqual(read(membership.list(['client-7', 'client-8'], NOW)), {
    type: 'client-list',
    clients: ['client-7', 'client-8'],
  });
});

test("another producer's record becomes the message, its key the sender, its time the timestamp", () => {
  const init = { key: Buffer.from('billing'), timestamp: NOW - 1000 };
  for (const payload of [
    'plain text',
    '{"a":1}',
    '',
    '[1]',
    '"text"',
    'null',
    '{"from":1,"message":2,"timestamp":3}',
  ]) {
    assert.deepEqual(read(record(payload, init)), {
      type: 'kafka',
      message: payload,
      from: 'billing',
      timestamp: '2024-01-01T11:59:59.000Z',
    });
  }
  assert.equal(read(record('a')).from, null);
  for (const timestamp of [0, -1, NOW * 1_000_000, Number.NaN]) {
    assert.equal(read(record('a', { timestamp })).timestamp, '2024-01-01T12:00:00.000Z');
  }
});

test("a record of the right shape is a member's message, whatever wrote it", () => {
  const said = { from: 'client-1', message: { a: 1 }, timestamp: 'yesterday' };
  assert.deepEqual(read(record(JSON.stringify({ ...said, more: true }), { key: 'k' })), { type: 'kafka', ...said });
});

test('a record that is not UTF-8 is sent as a valid text frame', () => {
  const latin = Buffer.from('{"from":"a","message":"ü","timestamp":"t"}', 'latin1');
  assert.equal(read(record(latin)).message, '{"from":"a","message":"�","timestamp":"t"}');
});

test('a tombstone is not sent to clients', () => {
  assert.equal(record('', { meta: { tombstone: true } }), null);
});

test('drops are reported by number, publishes are not answered', () => {
  const told = (count: number) => read(codec.dropped(count, NOW));
  assert.deepEqual(told(3), {
    type: 'error',
    message: '3 messages were dropped because this client reads too slowly',
  });
  assert.match(String(told(1).message), /^1 message was dropped/);
  assert.equal(codec.answers, false);
  assert.equal(codec.settled(state, undefined, { code: 'x', message: 'x', retryable: false }, NOW), null);
});

test('the frame type for kicks cannot be empty, and there is no other setting', () => {
  assert.equal(rooms.config.safeParse({ kick_type: '' }).success, false);
  assert.equal(rooms.config.safeParse({ kickType: 'kick' }).success, false);
});

test('no frame of a client makes the codec throw, and each has one effect', () => {
  fc.assert(
    fc.property(frames, ({ data, binary }) => {
      assert.equal(sendBytes(data, binary).length, 1);
    }),
  );
});

test('the frame of any record is valid JSON with a message and a timestamp', () => {
  fc.assert(
    fc.property(records, ({ payload, init }) => {
      const frame = record(payload, init);
      assert.ok(frame !== null && !frame.binary && isUtf8(Buffer.from(frame.data as string)));
      const { type, message, timestamp } = read(frame);
      assert.equal(type, 'kafka');
      assert.notEqual(message, undefined);
      assert.equal(typeof timestamp, 'string');
    }),
  );
});
