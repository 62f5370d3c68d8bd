import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAboutRecords, outcomeOf, refusalOf, timeRefusal } from '../../../../src/transports/kafka/wire/classify.ts';
import { KAFKA, logError } from '../../../../src/transports/kafka/wire/protocol-errors.ts';

test('what may have been stored is repeated, and only what numbering lost needs a fresh producer', () => {
  const notLeader = 6;
  const timedOut = 7;
  const notEnoughReplicasAfterAppend = 20;
  for (const code of [notLeader, timedOut, notEnoughReplicasAfterAppend, -1]) assert.equal(outcomeOf(code), 'unknown');
  for (const code of [KAFKA.OUT_OF_ORDER_SEQUENCE_NUMBER, KAFKA.UNKNOWN_PRODUCER_ID, KAFKA.INVALID_PRODUCER_EPOCH]) {
    assert.equal(outcomeOf(code), 'fenced');
  }
  assert.equal(outcomeOf(KAFKA.DUPLICATE_SEQUENCE_NUMBER), 'stored');
});

test('refusals carry the code for what to do next', () => {
  assert.equal(refusalOf(KAFKA.MESSAGE_TOO_LARGE, 't').code, 'TG_RECORD_TOO_LARGE');
  assert.equal(refusalOf(KAFKA.TOPIC_AUTHORIZATION_FAILED, 't').code, 'TG_NOT_AUTHORIZED');
  assert.equal(refusalOf(KAFKA.UNKNOWN_TOPIC_OR_PARTITION, 't').code, 'TG_TOPIC_MISSING');
  assert.equal(refusalOf(KAFKA.INVALID_RECORD, 't').code, 'TG_RECORD_REFUSED');
  assert.equal(isAboutRecords(KAFKA.INVALID_RECORD), true);
  assert.equal(isAboutRecords(KAFKA.TOPIC_AUTHORIZATION_FAILED), false);
});

test('for a refused time our clock is to blame if it is the present by it, else the message', () => {
  const now = Date.parse('2026-06-01T12:00:00Z');
  for (const away of [0, 600_000, -600_000]) {
    const { code, message, retryable } = timeRefusal('t', now + away, now);
    assert.deepEqual([code, retryable], ['TG_CLOCK_WRONG', true]);
    assert.match(
      message,
      /^topic t: .*INVALID_TIMESTAMP.* the clock of this gateway says 2026-06-01T12:00:00\.000Z\.$/,
    );
  }
  for (const away of [600_001, -600_001]) assert.equal(timeRefusal('t', now + away, now).code, 'TG_RECORD_REFUSED');
});

test('an error that no broker answered means that the log is away', () => {
  assert.equal(logError(new Error('read ECONNRESET'), 'Topic t').code, 'TG_LOG_UNAVAILABLE');
  assert.equal(
    logError(Object.assign(new Error('refused'), { code: KAFKA.INVALID_TOPIC }), 'Create t').code,
    'TG_TOPIC_INVALID',
  );
  assert.equal(
    logError(Object.assign(new Error('refused'), { code: KAFKA.INVALID_REPLICATION_FACTOR }), 'Create t').code,
    'TG_TOO_FEW_BROKERS',
    'brokers may still come',
  );
  assert.equal(
    logError(Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }), 'Topic t').code,
    'TG_LOG_UNAVAILABLE',
  );
});
