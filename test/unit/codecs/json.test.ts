import assert from 'node:assert/strict';
import { test } from 'node:test';
import { json } from '../../../src/codecs/json.ts';
import { Message } from '../../../src/core/message.ts';
import { compileExpression } from '../../../src/sdk/expression.ts';
import { make, NOW, published, read, refused } from './made.ts';

const codec = make(json);
const { state, effects } = codec.open({ clientId: 'c', endpoint: 'e', params: {}, query: {} }, NOW);
const send = (text: string, binary = false) => codec.frame(state, Buffer.from(text), binary, NOW);
const record = (payload: string | Buffer, meta = {}) => codec.record(new Message(Buffer.from(payload), { meta }), NOW);

test('a client receives nothing until it sends', () => {
  assert.deepEqual(effects, []);
});

test('any JSON value is published untouched', () => {
  for (const text of ['{"a":1}', ' [1, 2]', '"text"', '12', 'null', 'true']) {
    const { message } = published(send(text));
    assert.equal(message.payload.toString(), text);
    assert.deepEqual(message.json, JSON.parse(text));
  }
});

test('the answer carries the field id of the object', () => {
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

test('an id longer than 256 characters gets an error, however deep it is, and is not published', () => {
  const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
  const { correlation } = published(send(`{"id":${deep(128)}}`));
  assert.equal(correlation, deep(128));
  published(send(`{"id":"${'\\u0061'.repeat(256)}"}`));
  for (const id of [deep(129), deep(100_000), `"${'x'.repeat(257)}"`, '9'.repeat(257)]) {
    const { reason, frame } = refused(send(`{"id":${id}}`));
    assert.deepEqual([reason, frame.type, frame.code], ['id', 'error', 'TG_MESSAGE_INVALID']);
    assert.match(String(frame.message), /at most 256 characters/);
  }
  // Nothing is answered, so nothing is repeated.
  published(make(json, { answers: false }).frame(state, Buffer.from(`{"id":${deep(129)}}`), false, NOW));
});

test('the last one of a duplicate field counts, in the answer as in expressions', async () => {
  const { message, correlation } = published(send('{"id":1,"a":{"b":1},"i\\u0064":2,"a":{"b":2.50}}'));
  assert.equal(correlation, '2');
  const record = new Message(message.payload, { json: message.json });
  assert.equal(compileExpression('${! json.a.b }').evaluateText(record), '2.50');
  assert.equal(compileExpression('${! json.a }').evaluateJson(record), '{"b":2.50}');
  assert.equal(await compileExpression('${! json.a.b + json.id }').evaluate(record), 4.5);
});

test('an ack says whether the log has the message', () => {
  for (const outcome of ['stored', 'filtered', 'dead_letter'] as const)
    assert.deepEqual(read(codec.settled(state, 1, null, NOW, outcome)), { type: 'ack', id: 1, outcome });
});

test('a frame that is not JSON, or binary, gets an error with its own reason', () => {
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

test('a record that is not UTF-8 is sent as a valid text frame', () => {
  const frame = record(Buffer.from('{"a":"ü"}', 'latin1'));
  assert.equal(typeof frame?.data, 'string');
  assert.equal(JSON.parse(String(frame?.data)), '{"a":"�"}');
});

test('drops are reported by number', () => {
  assert.deepEqual(read(codec.dropped(3, NOW)), { type: 'dropped', count: 3 });
});
