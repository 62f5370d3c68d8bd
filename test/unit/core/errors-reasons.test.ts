import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asTidegateError, reasonOf, TidegateError } from '../../../src/core/errors.ts';

test('any thrown value has a reason', () => {
  const circular: { self?: unknown } = {};
  circular.self = circular;
  assert.deepEqual(
    [
      ...[reasonOf('text'), reasonOf(5), reasonOf(null), reasonOf(undefined)],
      ...[reasonOf(new Error('why')), reasonOf(new RangeError('')), reasonOf({ message: 'plain' })],
      ...[reasonOf({ message: '' }), reasonOf({ message: 5 }), reasonOf({ code: 1 }), reasonOf(circular)],
    ],
    [
      ...['text', '5', 'null', 'undefined'],
      ...['why', 'RangeError', 'plain'],
      ...['{"message":""}', '{"message":5}', '{"code":1}', '[object Object]'],
    ],
  );
});

test('an error has a cause where there is one, and its name', () => {
  const error = new TidegateError('TG_FLOW_FAILED', 'text');
  assert.deepEqual([error.name, 'cause' in error, error instanceof Error], ['TidegateError', false, true]);
  assert.equal(new TidegateError('TG_FLOW_FAILED', 'text', 0).cause, 0);
});

test('a context precedes a reason, unless the reason begins with it', () => {
  const messageOf = (thrown: unknown) => asTidegateError(thrown, 'TG_FLOW_FAILED', 'map').message;
  assert.deepEqual(
    [messageOf(new Error('why')), messageOf(new Error('map: why')), messageOf(new Error('mapping'))],
    ['map: why', 'map: why', 'map: mapping'],
  );
});
