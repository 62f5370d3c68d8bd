import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TidegateError } from '../../../src/core/errors.ts';
import { ExactNumber } from '../../../src/core/exact-number.ts';
import { Message } from '../../../src/core/message.ts';

test('a message without options has no key, time, place or cost, and its token is 0', () => {
  const { key, headers, timestamp, topic, partition, offset, token, cost, source, refusal, span } = new Message(
    Buffer.from('a'),
  );
  assert.deepEqual(
    { key, headers, timestamp, topic, partition, offset, token, cost, source, refusal, span },
    {
      ...{ key: null, headers: [], timestamp: 0, topic: undefined, partition: -1, offset: -1 },
      ...{ token: 0, cost: 0, source: undefined, refusal: undefined, span: undefined },
    },
  );
});

test('json and plainJson refuse what is not JSON, by the code of a message that never works', () => {
  const message = new Message(Buffer.from('{"a":'));
  for (const read of [() => message.json, () => message.plainJson])
    assert.throws(read, (error: TidegateError) => error.code === 'TG_MESSAGE_INVALID' && error.next === 'reject');
});

test('numbers that are exact but nested thousands of levels deep are refused, not given as undefined', () => {
  const deep = `${'['.repeat(5_000)}8389766145050669871${']'.repeat(5_000)}`;
  const message = new Message(Buffer.from(deep));
  let value: unknown;
  try {
    value = message.json;
  } catch (error) {
    assert.equal((error as TidegateError).code, 'TG_MESSAGE_INVALID');
    return;
  }
  for (let level = 0; level < 5_000; level += 1) value = (value as unknown[])[0];
  assert.ok(value instanceof ExactNumber);
});

test('a derived message costs what its original costs, keeps its span, and knows the first message', () => {
  const message = new Message(Buffer.from('a'));
  message.cost = 77;
  const span = {} as NonNullable<Message['span']>;
  message.span = span;
  const second = message.derive({ payload: Buffer.from('bb') }).derive({ payload: Buffer.from('ccc') });
  assert.deepEqual([second.cost, second.span, second.source], [77, span, message]);
});

test('a part of a split knows the first message and its span, and has no cost of its own', () => {
  const message = new Message(Buffer.from('ab'), { key: 'k', timestamp: 5, topic: 't', partition: 1, offset: 9 });
  const derived = message.derive({ headers: [['h', 'v']] });
  derived.span = {} as NonNullable<Message['span']>;
  const [part] = derived.split([{ payload: Buffer.from('a') }]);
  assert.ok(part !== undefined);
  assert.deepEqual(
    [
      part.source,
      part.span,
      part.key,
      part.headers,
      part.timestamp,
      part.topic,
      part.partition,
      part.offset,
      part.cost,
    ],
    [message, derived.span, 'k', [['h', 'v']], 5, 't', 1, 9, 0],
  );
});

test('what is made of a replayed message is replayed too', () => {
  const message = new Message(Buffer.from(new ArrayBuffer(100), 0, 2));
  assert.equal(message.isReplayed, false);
  assert.equal(message.derive({}).isReplayed, false);
  message.isReplayed = true;
  const derived = message.derive({ payload: Buffer.from(new ArrayBuffer(100), 0, 2) });
  const [part] = derived.detached().split([{ payload: Buffer.from('a') }]);
  assert.deepEqual([derived.isReplayed, part?.isReplayed], [true, true]);
});

test('a payload that is half of its buffer or more is not copied, a smaller one is', () => {
  const chunk = new ArrayBuffer(100);
  assert.equal(copied(new Message(Buffer.from(chunk, 0, 50))), false);
  assert.equal(copied(new Message(Buffer.from(chunk, 0, 49))), true);
  assert.equal(copied(new Message(Buffer.from(chunk, 0, 40))), true);
});

function copied(message: Message): boolean {
  const detached = message.detached();
  assert.deepEqual(detached.payload, message.payload);
  return detached !== message && detached.payload.buffer.byteLength === message.payload.length;
}

test('the key that the source gave is known after the sink has given one', () => {
  const without = new Message(Buffer.from('a'));
  without.withKey('given');
  assert.deepEqual([without.key, without.sourceKey], ['given', null]);
  const withOne = new Message(Buffer.from('a'), { key: 'own' });
  assert.deepEqual([withOne.withKey('given').sourceKey, withOne.withKey('own')], ['own', withOne]);
});
