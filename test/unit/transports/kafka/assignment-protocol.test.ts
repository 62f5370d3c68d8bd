import assert from 'node:assert/strict';
import { test } from 'node:test';
import kafkajs from 'kafkajs';
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../../../src/transports/kafka/wire/assignment-protocol.ts';

test('a subscription comes back from its bytes', () => {
  const subscription = {
    topics: ['a', 'b'],
    owned: [
      { topic: 'a', partition: 3 },
      { topic: 'a', partition: 1 },
    ],
    generation: 7,
    counts: new Map([['a', 4]]),
    ids: new Map([['a', 'zbjVNaSMQ2G5GBCw9iBUMA']]),
    label: 'gateway-1',
    coPartitioned: true,
  };
  assert.deepEqual(decodeSubscription(encodeSubscription(subscription)), subscription);
  const alone = { ...subscription, coPartitioned: false };
  assert.deepEqual(decodeSubscription(encodeSubscription(alone)), alone);
});

test('topics may have the names that every object has', () => {
  const partitions = ['constructor', 'toString'].map((topic) => ({ topic, partition: 1 }));
  const facts = {
    counts: new Map([['constructor', 4]]),
    addedFrom: new Map(),
    ids: new Map(),
    recreated: new Map(),
    members: [],
    isPartial: false,
  };
  assert.deepEqual(decodeAssignment(encodeAssignment({ partitions, ...facts })).partitions, partitions);
});

test('an assignment comes back from its bytes', () => {
  const assignment = {
    partitions: [{ topic: 'a', partition: 2 }],
    counts: new Map([['a', 4]]),
    addedFrom: new Map([['a', 3]]),
    ids: new Map([['a', 'zbjVNaSMQ2G5GBCw9iBUMA']]),
    recreated: new Map([['b', 'I4YWmB3qQZyTcbF7KKUQjA']]),
    members: ['gateway-1', 'gateway-2'],
    isPartial: true,
  };
  assert.deepEqual(decodeAssignment(encodeAssignment(assignment)), assignment);
});

test('a member without facts of ours counts as new, and no assignment as an empty one', () => {
  const foreign = kafkajs.AssignerProtocol.MemberMetadata.encode({
    version: 0,
    topics: ['a'],
    userData: Buffer.from('?'),
  });
  assert.deepEqual(decodeSubscription(foreign), {
    topics: ['a'],
    owned: [],
    generation: -1,
    counts: new Map(),
    ids: new Map(),
    label: undefined,
    coPartitioned: false,
  });
  assert.deepEqual(decodeAssignment(Buffer.alloc(0)).partitions, []);
  assert.equal(decodeAssignment(Buffer.alloc(0)).isPartial, false);
});
