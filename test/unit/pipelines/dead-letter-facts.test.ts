import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TidegateError } from '../../../src/core/errors.ts';
import { lastHeader } from '../../../src/core/headers.ts';
import { Message, type MessageInit } from '../../../src/core/message.ts';
import { factsOf, isFact, isRecord, withFacts } from '../../../src/pipelines/dead-letter-facts.ts';

const MOST = 8_192;
const LAST_TIME = 8_640_000_000_000_000;

function facts(init: MessageInit, text = 'no price in it'): Record<string, unknown> {
  const message = new Message(Buffer.from('{}'), init);
  return Object.fromEntries(factsOf(message, new TidegateError('TG_MESSAGE_INVALID', text), 'orders'));
}

const COMMON = {
  'tidegate-error-code': 'TG_MESSAGE_INVALID',
  'tidegate-error-message': 'no price in it',
  'tidegate-pipeline': 'orders',
};

test('a record has its origin and its own time, where it has one', () => {
  const place = { topic: 't', partition: 0, offset: 0 };
  assert.deepEqual(facts(place), { ...COMMON, 'tidegate-origin': 't/0/0' });
  assert.deepEqual(facts({ ...place, timestamp: 1 }), {
    ...COMMON,
    'tidegate-origin': 't/0/0',
    'tidegate-timestamp': '1',
  });
});

test('what is no record has the time at which it was received, where that is a time', () => {
  assert.deepEqual(facts({}), COMMON);
  assert.deepEqual(facts({ timestamp: 1 }), { ...COMMON, 'tidegate-received': '1970-01-01T00:00:00.001Z' });
  assert.deepEqual(facts({ timestamp: LAST_TIME }), {
    ...COMMON,
    'tidegate-received': '+275760-09-13T00:00:00.000Z',
  });
  assert.deepEqual(facts({ timestamp: LAST_TIME + 1 }), COMMON);
  assert.deepEqual(facts({ timestamp: -1 }), COMMON);
});

test('a record needs a topic and an offset', () => {
  const record = (init: MessageInit) => isRecord(new Message(Buffer.from(''), init));
  assert.deepEqual(
    [record({ topic: 't', offset: 0 }), record({ topic: 't' }), record({ offset: 5 }), record({})],
    [true, false, false, false],
  );
});

test('the text of an error has at most 8 KiB of whole characters', () => {
  const message = (text: string) => facts({}, text)['tidegate-error-message'];
  assert.equal(message('x'.repeat(MOST)), 'x'.repeat(MOST));
  assert.equal(message('x'.repeat(MOST + 1)), 'x'.repeat(MOST));
  assert.equal(message(`${'x'.repeat(MOST - 1)}é`), 'x'.repeat(MOST - 1));
  assert.equal(message(`${'x'.repeat(MOST - 2)}é!`), `${'x'.repeat(MOST - 2)}é`);
});

test('facts take the place of those of an earlier dead letter, and leave other headers alone', () => {
  const headers = withFacts(
    [
      ['tidegate-pipeline', 'earlier'],
      ['own', 'kept'],
    ],
    [['tidegate-pipeline', 'orders']],
  );
  assert.equal(lastHeader(headers, 'tidegate-pipeline'), 'orders');
  assert.equal(lastHeader(headers, 'own'), 'kept');
  assert.equal(headers.length, 2);
  assert.deepEqual([isFact('tidegate-origin'), isFact('own'), isFact('x-tidegate-origin')], [true, false, false]);
});
