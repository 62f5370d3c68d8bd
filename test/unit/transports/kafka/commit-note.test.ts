import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeNote, encodeNote } from '../../../../src/transports/kafka/commit-note.ts';
import { commitEntry, isOf } from '../../../../src/transports/kafka/committed.ts';

test('the note of a commit says which topic it is of, beside what others may say in it', () => {
  assert.equal(encodeNote({ topic_id: 'zbjVNaSMQ2G5GBCw9iBUMA' }), '{"topic_id":"zbjVNaSMQ2G5GBCw9iBUMA"}');
  assert.deepEqual(decodeNote('{"replay":3,"topic_id":"a","wm":17}'), { topic_id: 'a' });
});

test('notes of others say nothing', () => {
  for (const text of [null, '', 'by hand', '{', '{"topic_id":7}', '{"topic_id":', '[]', '{"replay":3}'])
    assert.deepEqual(decodeNote(text), {}, String(text));
});

test('an offset counts unless it is said to be of another topic', () => {
  assert.equal(isOf('a', { offset: 1, topicId: 'a' }), true);
  assert.equal(isOf('a', { offset: 1, topicId: 'b' }), false);
  assert.equal(isOf('a', { offset: 1, topicId: undefined }), true);
  assert.equal(isOf(undefined, { offset: 1, topicId: 'b' }), true);
  assert.deepEqual(commitEntry(2, 7, undefined), { partition: 2, offset: '7', metadata: '' });
});
