import assert from 'node:assert/strict';
import { test } from 'node:test';
import { envelope } from '../../../src/codecs/envelope.ts';
import type { CodecMessage } from '../../../src/core/content.ts';
import { Message, type MessageInit } from '../../../src/core/message.ts';
import { ownText, W3C } from '../../../src/core/propagation.ts';
import { make, NOW, only, published, read, refused } from './made.ts';

const TIMESTAMP = '2024-01-01T12:00:00Z';
const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const codec = make(envelope);
const info = { clientId: 'c-1', endpoint: 'rooms', params: {}, query: {} };
const { state } = codec.open(info, NOW);

const user = (changes: object = {}) => ({ messageType: 'USER', content: 'hello', timestamp: TIMESTAMP, ...changes });
const send = (value: unknown, binary = false) =>
  codec.frame(state, Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)), binary, NOW);
const record = (payload: string | Buffer, init: MessageInit = {}) =>
  codec.record(new Message(Buffer.from(payload), init), NOW);

test('a client is welcomed by a SYSTEM envelope with its ID in the content and in clientId', () => {
  const [welcome, ...more] = codec.open(info, NOW).effects;
  assert.ok(welcome?.type === 'reply' && more.length === 0);
  assert.equal(welcome.rejected, undefined);
  assert.equal(welcome.frame.binary, false);
  const { content, ...rest } = read(welcome.frame);
  assert.match(String(content), /c-1/);
  assert.deepEqual(rest, { messageType: 'SYSTEM', timestamp: '2024-01-01T12:00:00.000Z', clientId: 'c-1' });
});

for (const messageType of ['USER', 'SYSTEM']) {
  test(`a client may send ${messageType}, and the record is the envelope byte for byte`, () => {
    const text = ` { "messageType":"${messageType}", "content":"grüße ☃", "timestamp":"${TIMESTAMP}", "extra": 1 }`;
    const { message, correlation } = published(send(text));
    assert.equal(message.payload.toString(), text);
    assert.equal((message.json as { content: string }).content, 'grüße ☃');
    assert.equal(correlation, undefined);
    assert.equal(message.headers, undefined);
    assert.equal(traceOf(message), undefined);
  });
}

test('an id goes into a header and is what the answer carries, text or number', () => {
  for (const id of ['a-1', '', 42, 'x'.repeat(256)]) {
    const { message, correlation } = published(send(user({ id })));
    assert.equal(correlation, id);
    assert.deepEqual(message.headers, [['message-id', String(id)]]);
    assert.equal(read(codec.settled(state, correlation, null, NOW)).id, id);
  }
});

test('an id that is a number keeps every digit, in the answer and in the header', () => {
  for (const id of ['8389766145050669871', '1.10']) {
    const frame = JSON.stringify(user({ id: 0 })).replace('"id":0', `"id":${id}`);
    const { message, correlation } = published(codec.frame(state, Buffer.from(frame), false, NOW));
    assert.equal(String(message.headers), `message-id,${id}`);
    assert.ok(String(codec.settled(state, correlation, null, NOW)?.data).includes(`"id":${id}`));
    const wrong = codec.frame(state, Buffer.from(frame.replace('"USER"', '"ACK"')), false, NOW);
    assert.ok(wrong[0]?.type === 'reply' && String(wrong[0].frame.data).includes(`"id":${id}`));
  }
});

/** As the connection reads it. */
function traceOf({ fields = {} }: CodecMessage): string | undefined {
  return W3C.read(fields, ownText)?.traceparent;
}

test('a traceparent of the envelope becomes the trace of the message', () => {
  assert.equal(traceOf(published(send(user({ traceparent: TRACEPARENT }))).message), TRACEPARENT);
});

test('a traceparent that W3C Trace Context cannot parse counts as absent, and the message is published', () => {
  const [, traceId, spanId] = TRACEPARENT.split('-') as [string, string, string];
  const bad = [
    'x',
    '',
    TRACEPARENT.toUpperCase(),
    `ff-${traceId}-${spanId}-01`,
    `${TRACEPARENT}-more`,
    `00-${traceId}-${spanId}-0`,
    `01-${traceId}-${spanId}-01more`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    1,
    null,
    {},
  ];
  for (const traceparent of bad) {
    const { message } = published(send(user({ traceparent })));
    assert.equal(traceOf(message), undefined, JSON.stringify(traceparent));
  }
  for (const traceparent of [`01-${traceId}-${spanId}-01`, `cc-${traceId}-${spanId}-01-what-comes-later`])
    assert.equal(traceOf(published(send(user({ traceparent }))).message), `00-${traceId}-${spanId}-01`);
});

for (const timestamp of [
  '2024-01-01T12:00:00Z',
  '2024-01-01T12:00:00.123Z',
  '2024-01-01T12:00:00',
  '2024-01-01T12:00:00.123456',
  '2024-01-01 12:00:00.123456',
  '2024-01-01T12:00:00+05:30',
  '2024-01-01T12:00:00.123456+0000',
  '2024-02-29T12:00',
]) {
  test(`${timestamp} is a timestamp`, () => {
    assert.equal(published(send(user({ timestamp }))).type, 'publish');
  });
}

const DEEP = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;

/** An envelope with that JSON for a field, and what else is to be in it. */
function withField(name: string, json: string, more = ''): string {
  return `${JSON.stringify(user({ [name]: undefined })).slice(0, -1)},${JSON.stringify(name)}:${json}${more}}`;
}

const bad: readonly (readonly [string, unknown, string, RegExp])[] = [
  ['text that is not JSON', 'hello', 'not_json', /not JSON/],
  ['an empty frame', '', 'not_json', /not JSON/],
  ['JSON that is cut off', '{"messageType":"USER"', 'not_json', /not JSON/],
  ['a list', [user()], 'shape', /JSON object with messageType, content and timestamp/],
  ['a text', '"USER"', 'shape', /JSON object/],
  ['null', 'null', 'shape', /JSON object/],
  ['no messageType', user({ messageType: undefined }), 'message_type', /messageType is missing/],
  ['an unknown messageType', user({ messageType: 'user' }), 'message_type', /"user" is unknown; clients send USER/],
  ['a messageType that is no text', user({ messageType: {} }), 'message_type', /messageType must be a text/],
  ['ACK', user({ messageType: 'ACK' }), 'message_type', /ACK is for the server to send/],
  ['ERROR', user({ messageType: 'ERROR' }), 'message_type', /ERROR is for the server to send/],
  ['no content', user({ content: undefined }), 'content', /content is missing/],
  ['content that is no text', user({ content: { a: 1 } }), 'content', /content must be a text/],
  ['content null', user({ content: null }), 'content', /content must be a text/],
  ['no timestamp', user({ timestamp: undefined }), 'timestamp', /timestamp is missing/],
  ['a timestamp in words', user({ timestamp: 'yesterday' }), 'timestamp', /"yesterday" is not an ISO 8601 time/],
  ['a timestamp that is a number', user({ timestamp: 1_704_110_400 }), 'timestamp', /timestamp must be a text/],
  ['a date without time', user({ timestamp: '2024-01-01' }), 'timestamp', /is not an ISO 8601 time/],
  ['a month 13', user({ timestamp: '2024-13-01T12:00:00Z' }), 'timestamp', /is not an ISO 8601 time/],
  ['a 30th of February', user({ timestamp: '2024-02-30T12:00:00Z' }), 'timestamp', /is not an ISO 8601 time/],
  ['an hour 25', user({ timestamp: '2024-01-01T25:00:00Z' }), 'timestamp', /is not an ISO 8601 time/],
  ['an id that is an object', user({ id: {} }), 'id', /id must be a text of at most 256 characters, or a number/],
  ['an id that is null', user({ id: null }), 'id', /id must be/],
  ['an id of 257 characters', user({ id: 'x'.repeat(257) }), 'id', /id must be/],
  ['an id of 257 digits', withField('id', '9'.repeat(257)), 'id', /id must be/],
  ['a messageType of 100,000 levels', withField('messageType', DEEP), 'message_type', /messageType must be a text/],
  ['content of 100,000 levels', withField('content', DEEP), 'content', /content must be a text/],
  ['a timestamp of 100,000 levels', withField('timestamp', DEEP), 'timestamp', /timestamp must be a text/],
  ['an id of 100,000 levels', withField('id', DEEP), 'id', /id must be/],
  ['a frame of 100,000 levels', DEEP, 'shape', /JSON object/],
  [
    'a long messageType',
    user({ messageType: 'x'.repeat(9_999) }),
    'message_type',
    /^messageType "x{63}\.\.\. is unknown/,
  ],
  ['a long timestamp', user({ timestamp: 'x'.repeat(9_999) }), 'timestamp', /^timestamp "x{63}\.\.\. is not/],
  ['content twice', withField('content', '"b"', ',"content":"a"'), 'duplicate', /the field "content" occurs twice/],
  ['content twice, once with an escape', withField('content', '"b"', ',"c\\u006fntent":"a"'), 'duplicate', /twice/],
  ['a field of its own twice', withField('x', '[{}]', ', "x" : [{}]'), 'duplicate', /the field "x" occurs twice/],
];

for (const [what, value, reason, text] of bad) {
  test(`${what} gets an ERROR with the reason ${reason}`, () => {
    const answer = refused(send(value));
    assert.equal(answer.reason, reason);
    const { content, ...rest } = answer.frame;
    assert.match(String(content), text);
    assert.deepEqual(rest, {
      messageType: 'ERROR',
      timestamp: '2024-01-01T12:00:00.000Z',
      code: 'TG_MESSAGE_INVALID',
      retryable: false,
    });
  });
}

test('an ERROR quotes at most 200 characters of what the client sent', () => {
  const long = 'x'.repeat(900_000);
  const values = [
    { messageType: long },
    { messageType: { a: long } },
    { messageType: [long] },
    { timestamp: long },
    { timestamp: long, id: long },
    { [long]: 1, messageType: 'no', traceparent: long },
  ];
  for (const wrong of values) {
    const [effect] = send(user(wrong));
    assert.ok(effect?.type === 'reply' && effect.frame.data.length < 200 + 250, String(effect?.type));
  }
  for (const json of [`{${long}`, `${long}`, `"${long}`, `[${long}`]) {
    const [effect] = codec.frame(state, Buffer.from(json), false, NOW);
    assert.ok(effect?.type === 'reply' && effect.frame.data.length < 200 + 250, json.slice(0, 3));
  }
});

test('an id that is a number has at most 256 digits: it is repeated as it came', () => {
  const sent = (digits: string) =>
    only(codec.frame(state, Buffer.from(JSON.stringify(user()).replace('{', `{"id":${digits},`)), false, NOW));
  assert.equal(sent('1'.repeat(256)).type, 'publish');
  const refusal = sent('1'.repeat(257));
  assert.ok(refusal.type === 'reply' && refusal.rejected === 'id');
  assert.ok(!String(refusal.frame.data).includes('111'));
});

test('fields of any other name are published with the envelope', () => {
  for (const name of ['reason', 'message', 'envelope', '__proto__', 'constructor']) {
    const { message } = published(send(withField(name, '{"a":1,"a":[2]}')));
    assert.match(message.payload.toString(), new RegExp(name));
  }
});

test('an ERROR carries the id of a frame that has a field twice', () => {
  const { frame } = refused(send(withField('id', '"a"', ',"id":"b"')));
  assert.deepEqual([frame.id, frame.code], ['b', 'TG_MESSAGE_INVALID']);
});

test('an ERROR carries the id of a frame with another mistake', () => {
  const answers = [{ messageType: 'x' }, { content: 1 }, { timestamp: '' }].map((wrong) =>
    refused(send(user({ ...wrong, id: 'a-1' }))),
  );
  assert.deepEqual(
    answers.map(({ frame }) => frame.id),
    ['a-1', 'a-1', 'a-1'],
  );
});

test('a binary frame gets an ERROR, even if it contains an envelope', () => {
  const { reason, frame } = refused(send(user(), true));
  assert.deepEqual([reason, frame.messageType], ['binary', 'ERROR']);
});

test('a message that the log has is answered by ACK', () => {
  const { content, ...rest } = read(codec.settled(state, undefined, null, NOW));
  assert.equal(typeof content, 'string');
  assert.deepEqual(rest, { messageType: 'ACK', timestamp: '2024-01-01T12:00:00.000Z' });
});

test('an ACK says whether the log has the message, and keeps its text where it has', () => {
  const answers = (['stored', 'filtered', 'dead_letter'] as const).map((outcome) =>
    read(codec.settled(state, 7, null, NOW, outcome)),
  );
  assert.deepEqual(answers[0], {
    messageType: 'ACK',
    content: 'Message published',
    timestamp: '2024-01-01T12:00:00.000Z',
    id: 7,
    outcome: 'stored',
  });
  assert.deepEqual(
    answers.map(({ messageType, outcome, content }) => [messageType, outcome, content === 'Message published']),
    [
      ['ACK', 'stored', true],
      ['ACK', 'filtered', false],
      ['ACK', 'dead_letter', false],
    ],
  );
});

test('ACKs without an id that share a millisecond keep their own outcomes', () => {
  const outcomes = (['stored', 'filtered', 'stored', 'dead_letter'] as const).map(
    (outcome) => read(codec.settled(state, undefined, null, NOW + 5, outcome)).outcome,
  );
  assert.deepEqual(outcomes, ['stored', 'filtered', 'stored', 'dead_letter']);
});

test('ACKs without an id are one frame per millisecond, and those of the next have their own time', () => {
  const first = codec.settled(state, undefined, null, NOW + 1);
  assert.equal(codec.settled(state, undefined, null, NOW + 1), first);
  assert.equal(read(codec.settled(state, undefined, null, NOW + 2)).timestamp, '2024-01-01T12:00:00.002Z');
  assert.equal(read(first).timestamp, '2024-01-01T12:00:00.001Z');
});

test('a message that failed is answered by ERROR, with code and whether to send it again', () => {
  const rejection = { code: 'TG_STOPPING', message: 'the gateway stops', retryable: true };
  assert.deepEqual(read(codec.settled(state, 'a-1', rejection, NOW)), {
    messageType: 'ERROR',
    content: 'the gateway stops',
    timestamp: '2024-01-01T12:00:00.000Z',
    id: 'a-1',
    code: 'TG_STOPPING',
    retryable: true,
  });
});

test('a record that is an envelope goes out byte for byte', () => {
  const text = `{"content":"a", "messageType":"USER","timestamp":"${TIMESTAMP}","more":[1]}`;
  const frame = record(text);
  assert.deepEqual([String(frame?.data), frame?.binary], [text, false]);
});

for (const [what, payload] of [
  ['plain text', 'temperature 21'],
  ['JSON of another shape', '{"temperature":21}'],
  ['a JSON list', '[1,2]'],
  ['broken JSON', '{"messageType":'],
  ['an envelope with content that is no text', JSON.stringify(user({ content: 1 }))],
  ['an envelope of an unknown type', JSON.stringify(user({ messageType: 'PRICE' }))],
  ['nothing', ''],
] as const) {
  test(`a record of another producer, ${what}, becomes the content of a USER envelope`, () => {
    const at = Date.parse('2023-05-05T05:05:05.500Z');
    assert.deepEqual(read(record(payload, { timestamp: at })), {
      messageType: 'USER',
      content: payload,
      timestamp: '2023-05-05T05:05:05.500Z',
    });
  });
}

test('a record that is not UTF-8 is sent as a valid text frame', () => {
  const latin1 = Buffer.from(JSON.stringify(user({ content: 'grüße' })), 'latin1');
  const frame = record(latin1, { timestamp: NOW });
  assert.equal(typeof frame?.data, 'string');
  const { messageType, content } = read(frame);
  assert.equal(messageType, 'USER');
  assert.match(String(content), /gr�/);
  assert.equal(read(record(Buffer.from([0xff, 0xfe]), { timestamp: NOW })).content, '��');
});

test('a record with no timestamp, or one not in milliseconds, gets the current time', () => {
  for (const timestamp of [0, -1, 1_704_110_400_000_000_000, Number.MAX_SAFE_INTEGER]) {
    assert.equal(read(record('x', { timestamp })).timestamp, '2024-01-01T12:00:00.000Z');
  }
});

test('a tombstone is not sent to clients', () => {
  assert.equal(record('', { meta: { tombstone: true } }), null);
});

test('a SYSTEM envelope tells a client how many messages were dropped', () => {
  const one = read(codec.dropped(1, NOW));
  assert.match(String(one.content), /^1 message was dropped/);
  assert.deepEqual([one.messageType, one.dropped], ['SYSTEM', 1]);
  assert.match(String(read(codec.dropped(12, NOW)).content), /^12 messages were dropped/);
});
