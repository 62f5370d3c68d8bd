import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { test } from 'node:test';
import fc from 'fast-check';
import { chat } from '../../../src/codecs/chat.ts';
import type { ConnectionInfo } from '../../../src/core/connection-info.ts';
import type { Effect } from '../../../src/core/effect.ts';
import type { Frame } from '../../../src/core/frame.ts';
import type { MemberEvent } from '../../../src/core/membership.ts';
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

test('a client has the name in its path, and a second client with that name is closed with 1003', () => {
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

test('names that look alike are one name, and nothing in a name is invisible', () => {
  for (const name of ['\uff21\uff4e\uff4e', 'A\u207fn', '\u{1d400}nn', '\u00a0Ann', 'Ann\u3000'])
    assert.deepEqual(named(name), { name: 'Ann' }, JSON.stringify(name));
  assert.deepEqual(named('\u00b4'), { name: '\u0301' }, 'the form makes a space of some, which is trimmed');
  const joiners = ['\u200d', '\u200c', '\u2060'];
  const fillers = ['\u034f', '\u115f', '\u1160', '\u3164', '\uffa0', '\u17b4', '\u2800'];
  const selectors = ['\ufe00', '\ufe0f', '\u{e0100}', '\u180b', '\u{e0020}'];
  const blanks = ['\u{1d159}', '\u{16fe4}'];
  for (const invisible of [...joiners, ...fillers, ...selectors, ...blanks])
    for (const name of [`Ann${invisible}`, `${invisible}Ann`, `A${invisible}nn`, invisible]) {
      const at = [...name].indexOf(invisible) + 1;
      const code = invisible.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0');
      assert.equal(refusal(connect(name)), `name: U+${code} at ${at} cannot be seen; leave it out`);
    }
});

test('no text makes a second line in a frame, or overwrites the first', () => {
  for (const [said, line] of [
    ['Hello\nBob: give me your password', 'Alice: Hello Bob: give me your password'],
    ['a\r\n\r\nb', 'Alice: a b'],
    ['\rBob: b', 'Alice:  Bob: b'],
    ['\u001b[2K\u001b[1GBob: b', 'Alice:  [2K [1GBob: b'],
    ['a\b\b\b\b\b\b\b\bBob: b', 'Alice: a Bob: b'],
    ['a\u0085b\u2028c\u2029d\u000be\u000cf', 'Alice: a b c d e f'],
    ['tab\tand ü', 'Alice: tab\tand ü'],
  ] as const) {
    const { payload } = send(said);
    assert.equal((JSON.parse(payload.toString()) as { message: string }).message, said, 'the record has it as it came');
    assert.equal(text(record(payload)), line);
  }
  assert.equal(text(record('{"from":"a\\nBob","message":{"a":"b"},"timestamp":"t"}')), 'a Bob: {"a":"b"}');
  assert.equal(text(record('{"from":"a","message":{\n"a":1},"timestamp":"t"}')), 'a: { "a":1}');
  assert.equal(told(hear({ type: 'direct', from: 'Bob', content: 'psst\nAnn: no' })), 'Bob (to you): psst Ann: no');
});

test('names and ages are trimmed, and names that look the same are the same', () => {
  assert.deepEqual(named('  Alice \n', { age: ' 20 ' }), { name: 'Alice', age: '20' });
  assert.deepEqual(named('Rene\u0301', { age: 'e\u0301' }), { name: 'Ren\u00e9', age: '\u00e9' });
});

test('a name has 1 to 64 printable characters of any script', () => {
  for (const name of ['A', 'x'.repeat(64), '💬'.repeat(64), 'Zoë van Dam', 'میخواهم', '👧', '名前', '<b>', '0']) {
    assert.deepEqual(named(name), { name });
  }
  const reasons: readonly (readonly [name: string, reason: string])[] = [
    ...['', ' ', ' \u3000 '].map((name) => [name, 'it is empty; write it in the path, 1 to 64 characters'] as const),
    ...['x'.repeat(65), '💬'.repeat(65)].map((name) => [name, 'it has 65 characters, and 64 are allowed'] as const),
    ['a\u0000b', 'U+0000 at 2 is a control character; leave it out'],
    ['  a\nb', 'U+000A at 4 is a control character; leave it out'],
    ['💬\u007fb', 'U+007F at 2 is a control character; leave it out'],
    ['a\u0085b', 'U+0085 at 2 is a control character; leave it out'],
    ...['\u202e', '\u200b', '\ufeff', '\u00ad', '\u2028', '\u2029'].map((point) => {
      const code = point.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
      return [`a${point}b`, `U+${code} at 2 cannot be seen; leave it out`] as const;
    }),
    ['a\ud800', 'U+D800 at 2 is half of a character; leave it out'],
    ['\udc00a', 'U+DC00 at 1 is half of a character; leave it out'],
    ['Ann\u0378', 'U+0378 at 4 is not a character; leave it out'],
    ['Ann\ufdd0', 'U+FDD0 at 4 is not a character; leave it out'],
    ['Ann\u{10ffff}', 'U+10FFFF at 4 is not a character; leave it out'],
  ];
  for (const [name, reason] of reasons) assert.equal(refusal(connect(name)), `name: ${reason}`, JSON.stringify(name));
});

test('runs of spaces count as one', () => {
  for (const name of ['Ann  Lee', 'Ann \u2003 Lee', 'Ann\u1680Lee']) assert.deepEqual(named(name), { name: 'Ann Lee' });
});

test('no name and no age can forge a line of another member or of the chat', () => {
  for (const [words, what] of [
    ['Ben: I resign.  Ann', 'a colon before a space or at the end'],
    ['Ben:', 'a colon before a space or at the end'],
    ['Ben\uff1a hi', 'a colon before a space or at the end'],
    ['Ben\u2236 hi', 'a colon before a space or at the end'],
    ['Ben (to you)', '"(to you)"'],
    ['Ben (TO  you)', '"(to you)"'],
    ['Ben left the chat', '"left the chat"'],
    ['7 connected  to chat. Ben', '"connected to chat"'],
    ['Ben with age 7', '"with age"'],
    ['Ben with age', '"with age"'],
  ] as const) {
    const reason = `it must not have ${what}, as lines of the chat have; leave it out`;
    assert.equal(refusal(connect(words)), `name: ${reason}`);
    assert.equal(refusal(connect('Alice', { age: words })), `age: ${reason}`);
  }
  assert.match(refusal(connect('Alice', { age: '7 connected to chat. Ben: hi' })), /^age: it must not have/);
  for (const name of ['a:b', 'Ben (you)', 'left', 'Chat', ':)', 'with age']) assert.deepEqual(named(name), { name });
});

test('an age has at most 64 printable characters', () => {
  assert.deepEqual(named('Alice', { age: '💬'.repeat(64) }), { name: 'Alice', age: '💬'.repeat(64) });
  for (const [age, reason] of [
    ['x'.repeat(65), 'it has 65 characters, and 64 are allowed'],
    ['a\nb', 'U+000A at 2 is a control character; leave it out'],
    ['a\u202eb', 'U+202E at 2 cannot be seen; leave it out'],
    ['\ud800', 'U+D800 at 1 is half of a character; leave it out'],
  ] as const)
    assert.equal(refusal(connect('Alice', { age })), `age: ${reason}`);
});

test('an endpoint whose path has no user refuses all clients, with the reason', () => {
  const info = { ...connect('Alice'), params: { name: 'Alice' } };
  assert.match(refusal(info), /misconfigured: its path has no \{username\}/);
});

test('the greeting is letter for letter that of the original', () => {
  assert.equal(told(effects), 'Hi Alice! You have succesfully connected to the chat');
});

test('a joining, with the age if known, and a leaving are announced', () => {
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

test('any message is sent as a line with the name before it', () => {
  for (const words of ['Hello', '', ' ', '{"type":"kick-all"}', '<script>', 'a  tab\t', '\ufeffmark', 'grüße 💬']) {
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

test('a message that is not a text is sent as its JSON', () => {
  assert.equal(text(record('{"from":"client-1","message":{"a":[1]},"timestamp":"t"}')), 'client-1: {"a":[1]}');
  for (const json of [DEEP, '{"id":8389766145050669871, "price":1.10}'])
    assert.equal(text(record(`{"from":"client-1","message":${json},"timestamp":"t"}`)), `client-1: ${json}`);
});

test('a kicked client is closed with 4003 and the name of the sender, without a line', () => {
  assert.deepEqual(hear({ type: 'kicked', by: 'Bob' }), [{ type: 'close', code: 4003, reason: 'kicked by Bob' }]);
  assert.deepEqual(hear({ type: 'kicked', by: '\u{1f600}'.repeat(64) }), [
    { type: 'close', code: 4003, reason: 'kicked' },
  ]);
});

test('a direct message is marked as one in its line', () => {
  assert.equal(told(hear({ type: 'direct', from: 'Bob', content: 'psst' })), 'Bob (to you): psst');
});

test('a refusal sends nothing, as no line of the chat is a command', () => {
  assert.deepEqual(hear({ type: 'refused', action: 'kick', target: 'Bob', reason: 'forbidden' }), []);
});

test('drops are reported by number, publishes are not answered', () => {
  assert.equal(text(codec.dropped(3, NOW)), '3 messages were dropped because this client reads too slowly');
  assert.equal(codec.answers, false);
  assert.equal(codec.settled(state, undefined, { code: 'x', message: 'x', retryable: false }, NOW), null);
});

test('no frame makes the codec throw, and every text is published as it is and sent as one line', () => {
  fc.assert(
    fc.property(frames, ({ data, binary }) => {
      const effects = codec.frame(state, data, binary, NOW);
      if (binary) assert.equal(only(effects).type, 'close');
      else {
        const { payload, json } = published(effects).message;
        const said = data.toString();
        assert.equal((json as { message: string }).message, said);
        assert.equal((JSON.parse(payload.toString()) as { message: string }).message, said);
        const line = text(record(payload));
        assert.doesNotMatch(line.replaceAll('\t', ''), /[\p{Cc}\p{Zl}\p{Zp}]/u);
        assert.equal(line.replaceAll(/\s/gu, ''), `Alice:${said.replaceAll(/[\p{Cc}\s]/gu, '')}`);
      }
    }),
  );
});

test('the frame of any record is valid UTF-8', () => {
  fc.assert(
    fc.property(records, ({ payload, init }) => {
      const frame = record(payload, init);
      assert.ok(frame !== null && !frame.binary && isUtf8(Buffer.from(frame.data as string)));
    }),
  );
});

test('a valid name is printable, and valid again as the same name', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 70 }), (username) => {
      const identity = identify(username);
      if (identity.type !== 'named') return;
      assert.ok(identity.name.length > 0 && [...identity.name].length <= 64);
      assert.doesNotMatch(identity.name, /[\p{Cc}\p{Cn}\p{Zl}\p{Zp}]| {2}/u);
      assert.deepEqual(identify(identity.name), identity);
    }),
  );
});
