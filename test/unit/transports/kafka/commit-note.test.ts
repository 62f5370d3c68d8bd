import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commitEntry, isOf } from '../../../../src/transports/kafka/committed/committed.ts';
import { decodeNote, encodeNote } from '../../../../src/transports/kafka/wire/commit-note.ts';

test('the note of a commit has the id of its topic, beside fields of others', () => {
  assert.equal(encodeNote({ topicId: 'zbjVNaSMQ2G5GBCw9iBUMA' }), '{"topic_id":"zbjVNaSMQ2G5GBCw9iBUMA"}');
  assert.deepEqual(decodeNote('{"replay":3,"topic_id":"a","wm":17}'), { topicId: 'a' });
});

test('the note of a commit has how its state is rebuilt, in fewer bytes than Kafka takes', () => {
  const state = { replay: 3, watermark: 17.5, through: 19 };
  const text = encodeNote({ topicId: 'a', state });
  assert.equal(text, '{"topic_id":"a","replay":3,"wm":17.5,"through":19}');
  assert.deepEqual(decodeNote(text), { topicId: 'a', state });
  assert.deepEqual(decodeNote(encodeNote({ state })), { state });
  const extreme = { replay: Number.MAX_SAFE_INTEGER, watermark: -Number.MAX_VALUE, through: Number.MIN_SAFE_INTEGER };
  const longest = encodeNote({ topicId: 'zbjVNaSMQ2G5GBCw9iBUMA', state: extreme });
  assert.ok(longest.length < 200, `${longest.length} bytes`);
  assert.deepEqual(decodeNote(longest).state, extreme);
});

test('state is rebuilt from a whole note or not at all', () => {
  const fields = { replay: 3, wm: 17, through: 19 };
  for (const change of [
    ...['replay', 'wm', 'through'].flatMap((field) => [{ [field]: undefined }, { [field]: '3' }, { [field]: null }]),
    { replay: -1 },
    { replay: 1.5 },
  ])
    assert.deepEqual(decodeNote(JSON.stringify({ ...fields, ...change, topic_id: 'a' })), { topicId: 'a' });
});

test('notes of others say nothing', () => {
  for (const text of [null, '', 'by hand', '{', '{"topic_id":7}', '{"topic_id":', '[]', '{"replay":3}'])
    assert.deepEqual(decodeNote(text), {}, String(text));
});

test('an offset counts unless its note names another topic', () => {
  assert.equal(isOf('a', { offset: 1, topicId: 'a' }), true);
  assert.equal(isOf('a', { offset: 1, topicId: 'b' }), false);
  assert.equal(isOf('a', { offset: 1, topicId: undefined }), true);
  assert.equal(isOf(undefined, { offset: 1, topicId: 'b' }), true);
  assert.deepEqual(commitEntry(2, { offset: 7 }, undefined), { partition: 2, offset: '7', metadata: '' });
});
