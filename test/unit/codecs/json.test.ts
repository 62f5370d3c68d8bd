import assert from 'node:assert/strict';
import { test } from 'node:test';
import { json } from '../../../src/codecs/json.ts';
import { Message } from '../../../src/core/message.ts';
import { make, NOW, published, read, refused } from './made.ts';

const codec = make(json);
const { state, effects } = codec.open({ clientId: 'c', endpoint: 'e', params: {}, query: {} }, NOW);
const send = (text: string, binary = false) => codec.frame(state, Buffer.from(text), binary, NOW);
const record = (payload: string | Buffer, meta = {}) => codec.record(new Message(Buffer.from(payload), { meta }), NOW);

test('a client hears nothing until it sends', () => {
  assert.deepEqual(effects, []);
});

test('any JSON value is published untouched', () => {
  for (const text of ['{"a":1}', ' [1, 2]', '"text"', '12', 'null', 'true']) {
    const { message } = published(send(text));
    assert.equal(message.payload.toString(), text);
    assert.deepEqual(message.json, JSON.parse(text));
  }
});

test('the field id of an object is what its answer carries', () => {
  const { correlation } = published(send('{"id":"a-1"}'));
  assert.deepEqual(read(codec.settled(state, correlation, null, NOW)), { type: 'ack', id: 'a-1' });
  const rejection = { code: 'TG_STOPPING', message: 'later', retryable: true };
  assert.deepEqual(read(codec.settled(state, correlation, rejection, NOW)), { type: 'error', id: 'a-1', ...rejection });
  assert.deepEqual(read(codec.settled(state, published(send('[1]')).correlation, null, NOW)), { type: 'ack' });
});

test('an id comes back as it was sent, digit for digit', () => {
  for (const id of ['8389766145050669871', '1.10', '-0', '{"part":[1.0]}', 'null', '"a\\u0062"']) {
    const { correlation } = published(send(`{"id":${id}}`));
    assert.equal(String(codec.settled(state, correlation, null, NOW)?.data), `{"type":"ack","id":${id}}`);
  }
});

test('an ack says whether the log has the message', () => {
  for (const outcome of ['stored', 'filtered', 'dead_letter'] as const)
    assert.deepEqual(read(codec.settled(state, 1, null, NOW, outcome)), { type: 'ack', id: 1, outcome });
});

test('a frame that is no JSON, or binary, gets an error with its own reason', () => {
  const broken = refused(send('{'));
  assert.equal(broken.reason, 'not_json');
  assert.match(String(broken.frame.message), /not JSON/);
  assert.deepEqual(
    [broken.frame.type, broken.frame.code, broken.frame.retryable],
    ['error', 'TG_MESSAGE_INVALID', false],
  );
  assert.equal(refused(send('{}', true)).reason, 'binary');
});

test('answers can be switched off', () => {
  assert.equal(codec.answers, true);
  assert.equal(make(json, { answers: false }).answers, false);
});

test('a record of JSON goes out byte for byte, any other as a JSON text', () => {
  assert.equal(String(record('{"a": 1}')?.data), '{"a": 1}');
  assert.equal(record('plain "text"')?.data, '"plain \\"text\\""');
  assert.equal(record('')?.data, '""');
  assert.equal(record('', { tombstone: true }), null);
});

test('a record whose bytes are no UTF-8 still goes out as a valid text frame', () => {
  const frame = record(Buffer.from('{"a":"ü"}', 'latin1'));
  assert.equal(typeof frame?.data, 'string');
  assert.equal(JSON.parse(String(frame?.data)), '{"a":"�"}');
});

test('drops are told by number', () => {
  assert.deepEqual(read(codec.dropped(3, NOW)), { type: 'dropped', count: 3 });
});
