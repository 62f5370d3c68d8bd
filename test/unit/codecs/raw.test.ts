import assert from 'node:assert/strict';
import { test } from 'node:test';
import { raw } from '../../../src/codecs/raw.ts';
import { Message, type MessageInit } from '../../../src/core/message.ts';
import { make, NOW, published } from './made.ts';

const codec = make(raw);
const { state, effects } = codec.open({ clientId: 'c', endpoint: 'e', params: {}, query: {} }, NOW);
const record = (payload: Buffer, init: MessageInit = {}) => codec.record(new Message(payload, init), NOW);

test('a client receives nothing but records', () => {
  assert.deepEqual(effects, []);
  assert.equal(codec.answers, false);
  assert.equal(codec.settled(state, undefined, null, NOW), null);
  assert.equal(codec.settled(state, undefined, { code: 'x', message: 'x', retryable: false }, NOW), null);
  assert.equal(codec.dropped(3, NOW), null);
});

test('text and binary frames keep their kind, also binary ones that are valid UTF-8', () => {
  for (const [bytes, binary] of [
    [Buffer.from('text'), false],
    [Buffer.from('looks like text'), true],
    [Buffer.from([0xff, 0x00]), true],
    [Buffer.alloc(0), false],
  ] as const) {
    const { message } = published(codec.frame(state, bytes, binary, NOW));
    assert.equal(message.payload, bytes);
    const back = record(message.payload, message.headers === undefined ? {} : { headers: message.headers });
    assert.deepEqual(back, { data: bytes, binary });
  }
});

test('a binary header that came from the log as bytes counts too', () => {
  assert.equal(record(Buffer.from('a'), { headers: [['websocket-frame', Buffer.from('binary')]] })?.binary, true);
});

test('a record of another producer is text if it is valid UTF-8, otherwise binary', () => {
  assert.equal(record(Buffer.from('grüße'))?.binary, false);
  assert.equal(record(Buffer.from('grüße', 'latin1'))?.binary, true);
  assert.equal(record(Buffer.alloc(0), { meta: { tombstone: true } }), null);
});

const PROTOBUF = [Buffer.from('0a036164611005', 'hex'), Buffer.from('0a0361646110c801', 'hex')] as const;
const binaryOf = (frames: string, init: MessageInit = {}) =>
  PROTOBUF.map((payload) => make(raw, { frames }).record(new Message(payload, init), NOW)?.binary);

test('with frames binary all records are binary, also those that happen to be UTF-8', () => {
  assert.deepEqual(binaryOf('auto'), [false, true]);
  assert.deepEqual(binaryOf('binary'), [true, true]);
  const [frame] = PROTOBUF.map((payload) => make(raw, { frames: 'binary' }).record(new Message(payload), NOW));
  assert.equal(frame?.data, PROTOBUF[0]);
});

test('with frames text all records are text, and bytes that are not UTF-8 become U+FFFD', () => {
  assert.deepEqual(binaryOf('text', { headers: [['websocket-frame', 'binary']] }), [false, false]);
  const texts = PROTOBUF.map((payload) => make(raw, { frames: 'text' }).record(new Message(payload), NOW)?.data);
  assert.equal(texts[0], PROTOBUF[0]);
  assert.equal(texts[1], '\n\u0003ada\u0010\ufffd\u0001');
  const gone = new Message(Buffer.alloc(0), { meta: { tombstone: true } });
  assert.equal(make(raw, { frames: 'text' }).record(gone, NOW), null);
});
