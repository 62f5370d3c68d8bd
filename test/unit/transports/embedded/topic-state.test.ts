import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  decodeMarks,
  encodeMarks,
  hasPolicy,
  NO_MARKS,
  numberSetting,
  type TopicState,
} from '../../../../src/transports/embedded/records/topic-state.ts';

const topic = (config: TopicState['config'] = {}): TopicState => ({
  ...{ id: 1, name: 't', partitions: [], deleted: false },
  config,
});

test('marks are read as they were written', () => {
  for (const marks of [NO_MARKS, { start: 3, end: 2 ** 40 + 1, bytes: 7, dirty: 5 }, { ...NO_MARKS, start: 4, end: 4 }])
    assert.deepEqual(decodeMarks(encodeMarks(marks)), marks);
});

test('marks that cannot have been written are refused', () => {
  assert.throws(() => decodeMarks(Buffer.alloc(31)), /have 31 bytes/);
  assert.throws(() => decodeMarks(Buffer.alloc(33)), /have 33 bytes/);
  for (const wrong of [
    { start: 5, end: 4 },
    { start: -1, end: 4 },
    { start: 0.5, end: 4 },
    { start: 0, end: 4.5 },
    { start: 0, end: Number.NaN },
    { start: 0, end: 2 ** 60 },
  ])
    assert.throws(() => decodeMarks(encodeMarks({ ...NO_MARKS, ...wrong })), /begins at .* and ends at/);
});

test('a setting of the topic wins, and -1 is no limit', () => {
  const some = topic({ 'retention.ms': '0', 'retention.bytes': '-1' });
  assert.equal(numberSetting(some, 'retention.ms', 9), 0);
  assert.equal(numberSetting(some, 'retention.bytes', 9), Number.POSITIVE_INFINITY);
  assert.equal(numberSetting(some, 'max.message.bytes', 9), 9);
});

test('a topic deletes, compacts, or does both, as its policy says', () => {
  const policies = (config: TopicState['config']) => [
    hasPolicy(topic(config), 'delete'),
    hasPolicy(topic(config), 'compact'),
  ];
  assert.deepEqual(policies({}), [true, false]);
  assert.deepEqual(policies({ 'cleanup.policy': 'compact' }), [false, true]);
  assert.deepEqual(policies({ 'cleanup.policy': 'compact, delete' }), [true, true]);
  assert.deepEqual(policies({ 'cleanup.policy': 'delete' }), [true, false]);
});
