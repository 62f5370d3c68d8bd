import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asTidegateError, ERRORS, type ErrorCode, TidegateError } from '../../../src/core/errors.ts';

const codes = Object.keys(ERRORS) as ErrorCode[];

test('every code has its prefix, a meaning that is a sentence, and a next step', () => {
  for (const code of codes) {
    assert.match(code, /^TG_[A-Z]+(_[A-Z]+)*$/);
    assert.match(ERRORS[code].meaning, /^[A-Z].*\.$/);
    assert.ok(['retry', 'reject', 'wait', 'stop'].includes(ERRORS[code].next), code);
  }
});

test('an error can be tried again where its next step is retry or wait, and only there', () => {
  for (const code of codes) {
    const error = new TidegateError(code, 'text');
    assert.equal(error.next, ERRORS[code].next);
    assert.equal(error.retryable, error.next === 'retry' || error.next === 'wait', code);
  }
});

test('what is thrown keeps its text and becomes the cause', () => {
  const thrown = new RangeError('too far');
  const error = asTidegateError(thrown, 'TG_PROCESSOR_FAILED', 'map');
  assert.deepEqual([error.code, error.message, error.cause], ['TG_PROCESSOR_FAILED', 'map: too far', thrown]);
  assert.equal(asTidegateError('text', 'TG_FLOW_FAILED').message, 'text');
  const failure = new Error('map: too far');
  assert.equal(
    asTidegateError(failure, 'TG_PROCESSOR_FAILED', 'map').message,
    'map: too far',
    'the context is not repeated',
  );
  assert.equal(asTidegateError(undefined, 'TG_FLOW_FAILED').message, 'undefined');
});

test('an error that has a code already keeps it', () => {
  const error = new TidegateError('TG_TOPIC_MISSING', 'gone');
  assert.equal(asTidegateError(error, 'TG_FLOW_FAILED', 'context'), error);
});
