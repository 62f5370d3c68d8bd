import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { test } from 'node:test';
import fc from 'fast-check';
import { chat } from '../../../src/codecs/chat.ts';
import type { ConnectionInfo, Effect, Frame, MemberEvent } from '../../../src/core/component.ts';
import { Message, type MessageInit } from '../../../src/core/message.ts';
import { make, NOW, only, published } from './made.ts';
import { DEEP, frames, records, room } from './members.ts';

const codec = make(chat);
const membership = room(codec);
const connect = (username: string, query: Record<string, string> = {}): ConnectionInfo => ({
  clientId: 'Alice',
  endpoint: 'chat',
  params: { username },
  query,
});
const { state, effects } = codec.open(connect('Alice'), NOW);
const send = (text: string) => published(codec.frame(state, Buffer.from(text), false, NOW)).message;
const record = (payload: string | Buffer, init: MessageInit = {}) =>
  codec.record(new Message(Buffer.from(payload), init), NOW);
const hear = (event: MemberEvent) => membership.event(state, event, NOW);
const text = (frame: Frame | null) => {
  assert.equal(frame?.binary, false);
  return String(frame?.data);
};
const told = (effects: readonly Effect[]) => {
  const effect = only(effects);
  assert.equal(effect.type, 'reply');
  return effect.type === 'reply' ? text(effect.frame) : '';
};
const identify = (username: string, query: Record<string, string> = {}) =>
  membership.identify(connect(username, query));
const named = (username: string, query: Record<string, string> = {}) => {
  const identity = identify(username, query);
  return identity.type === 'named' ? { name: identity.name, ...identity.details } : identity;
};
const refusal = (info: ConnectionInfo) => {
  const identity = membership.identify(info);
  if (identity.type !== 'refused') throw new Error(`${JSON.stringify(info.params)} was let in`);
  assert.equal(identity.farewell.code, 1008);
  assert.ok(Buffer.byteLength(identity.farewell.reason) <= 123);
  return identity.farewell.reason;
};

test('a client is known by the name in its path, and who comes second is closed with 1003', () => {
  assert.deepEqual(identify('Alice'), {
    type: 'named',
    name: 'Alice',
    details: {},
    taken: { code: 1003, reason: 'Username already exists.' },
  });
});

test('an age counts as given where the query names it, also without a value', () => {
  assert.deepEqual(named('Alice', { age: '20' }), { name: 'Alice', age: '20' });
  assert.deepEqual(named('Alice', { age: '' }), { name: 'Alice', age: '' });
  assert.deepEqual(named('Alice', { other: '20' }), { name: 'Alice' });
});

test('names and ages are trimmed, and what looks the same is the same', () => {
  assert.deepEqual(named('  Alice \n', { age: ' 20 ' }), { name: 'Alice', age: '20' });
  assert.deepEqual(named('Rene\u0301', { age: 'e\u0301' }), { name: 'Ren\u00e9', age: '\u00e9' });
});

test('a name has 1 to 64 printable characters of any script', () => {
  const family = '👨\u200d👩\u200d👧';
  for (const name of [
    'A',
    'x'.repeat(64),
    '💬'.repeat(64),
    'Zoë van Dam',
    'می\u200cخواهم',
    family,
    '名前',
    '<b>',
    '0',
  ]) {
    assert.deepEqual(named(name), { name });
  }
  const bad = ['', ' ', ' \u3000 ', 'x'.repeat(65), '💬'.repeat(65), 'a\u0000b', 'a\nb', 'a\u007fb', 'a\u0085b'];
  const forged = ['a\u202eb', 'a\u200bb', 'a\ufeffb', 'a\u00adb', 'a\u2028b', 'a\u2029b', 'a\ud800', '\udc00a'];
  const invisible = ['\u200d', '\u200c\u200d', '\u3164', '\u115f \u1160', '\ufe0f'];
  for (const name of [...bad, ...forged, ...invisible]) {
    assert.equal(refusal(connect(name)), 'the name in the path must have 1 to 64 printable characters');
  }
});

test('an age has at most 64 printable characters', () => {
  assert.deepEqual(named('Alice', { age: '💬'.repeat(64) }), { name: 'Alice', age: '💬'.repeat(64) });
  for (const age of ['x'.repeat(65), 'a\nb', 'a\u202eb', '\ud800']) {
    assert.equal(refusal(connect('Alice', { age })), 'the age must have at most 64 printable characters');
  }
});

test('an endpoint whose path names no user lets nobody in, and says why', () => {
  const info = { ...connect('Alice'), params: { name: 'Alice' } };
  assert.match(refusal(info), /misconfigured: its path has no \{username\}/);
});

test('the greeting is letter for letter that of the original', () => {
  assert.equal(told(effects), 'Hi Alice! You have succesfully connected to the chat');
});

test('the others hear of a coming, with the age where one is known, and of a leaving', () => {
  const line = (type: 'joined' | 'left', details: Record<string, string>) =>
    text(membership.announce({ type, member: { name: 'Alice', details } }, NOW));
  assert.equal(line('joined', { age: '20' }), 'Alice with age 20 connected to chat');
  assert.equal(line('joined', { age: '' }), 'Alice with age  connected to chat');
  assert.equal(line('joined', {}), 'Alice connected to chat');
  assert.equal(line('left', { age: '20' }), 'Alice left the chat');
  assert.equal(membership.list(['Alice', 'Bob'], NOW), null);
});

test('a text becomes a record under the name of its sender', () => {
  const message = send('Hello there');
  const said = { from: 'Alice', message: 'Hello there', timestamp: '2024-01-01T12:00:00.000Z' };
  assert.deepEqual(JSON.parse(message.payload.toString()), said);
  assert.deepEqual(message.json, said);
  assert.equal(message.key, 'Alice');
  assert.equal(message.timestamp, NOW);
});

test('what is said comes out as a line with the name before it, whatever it is', () => {
  for (const words of [
    'Hello',
    '',
    ' ',
    '{"type":"kick-all"}',
    '<script>',
    'two\nlines',
    '\ufeffmark',
    'nul\0',
    'grüße 💬',
  ]) {
    assert.equal(text(record(send(words).payload)), `Alice: ${words}`);
  }
});

test('a binary frame closes its client with 1003', () => {
  assert.deepEqual(codec.frame(state, Buffer.from('text'), true, NOW), [
    { type: 'close', code: 1003, reason: 'chat takes text' },
  ]);
});

test("another producer's record is a line of its own", () => {
  for (const payload of ['plain text', '', '{"a":1}', '"text"', '{"from":null,"message":"a","timestamp":"t"}']) {
    assert.equal(text(record(payload, { key: 'billing' })), payload);
  }
  const latin = Buffer.from('{"from":"a","message":"ü","timestamp":"t"}', 'latin1');
  assert.equal(text(record(latin)), '{"from":"a","message":"�","timestamp":"t"}');
  assert.equal(record('', { meta: { tombstone: true } }), null);
});

test('a record of a room that is no text is told as its JSON', () => {
  assert.equal(text(record('{"from":"client-1","message":{"a":[1]},"timestamp":"t"}')), 'client-1: {"a":[1]}');
  for (const json of [DEEP, '{"id":8389766145050669871, "price":1.10}'])
    assert.equal(text(record(`{"from":"client-1","message":${json},"timestamp":"t"}`)), `client-1: ${json}`);
});

test('a kicked client is closed with 4003 and by whom, without a line', () => {
  assert.deepEqual(hear({ type: 'kicked', by: 'Bob' }), [{ type: 'close', code: 4003, reason: 'kicked by Bob' }]);
  assert.deepEqual(hear({ type: 'kicked', by: '\u{1f600}'.repeat(64) }), [
    { type: 'close', code: 4003, reason: 'kicked' },
  ]);
});

test('a direct message is a line that says so', () => {
  assert.equal(told(hear({ type: 'direct', from: 'Bob', content: 'psst' })), 'Bob (to you): psst');
});

test('nothing is said of what was refused, as no line of the chat asks for it', () => {
  assert.deepEqual(hear({ type: 'refused', action: 'kick', target: 'Bob', reason: 'forbidden' }), []);
});

test('drops are told by number, publishes are not answered', () => {
  assert.equal(text(codec.dropped(3, NOW)), '3 messages were dropped because this client reads too slowly');
  assert.equal(codec.answers, false);
  assert.equal(codec.settled(state, undefined, { code: 'x', message: 'x', retryable: false }, NOW), null);
});

test('no frame of a client makes the codec throw, and every text is published as it is', () => {
  fc.assert(
    fc.property(frames, ({ data, binary }) => {
      const effects = codec.frame(state, data, binary, NOW);
      if (binary) assert.equal(only(effects).type, 'close');
      else assert.equal(text(record(published(effects).message.payload)), `Alice: ${data.toString()}`);
    }),
  );
});

test('whatever a record holds, its frame is valid UTF-8', () => {
  fc.assert(
    fc.property(records, ({ payload, init }) => {
      const frame = record(payload, init);
      assert.ok(frame !== null && !frame.binary && isUtf8(Buffer.from(frame.data as string)));
    }),
  );
});

test('a name that is let in is printable, and is let in again as the same name', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 70 }), (username) => {
      const identity = identify(username);
      if (identity.type !== 'named') return;
      assert.ok(identity.name.length > 0 && [...identity.name].length <= 64);
      assert.doesNotMatch(identity.name, /[\p{Cc}\p{Zl}\p{Zp}]/u);
      assert.deepEqual(identify(identity.name), identity);
    }),
  );
});
