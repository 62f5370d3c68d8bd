import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TidegateError } from '../../../src/core/errors.ts';
import type { Message } from '../../../src/core/message.ts';
import { skipping } from '../../../src/pipelines/skip.ts';
import { SettleLog } from '../core/settle-log.ts';
import { batchOf, inFlightOf } from './parts.ts';

const INVALID = new TidegateError('TG_MESSAGE_INVALID', 'no price in it');

function setUp() {
  const skipped: [Message, string][] = [];
  const rescue = skipping((message, { code }) => skipped.push([message, code]));
  return { skipped, log: new SettleLog(), ...inFlightOf(undefined, rescue) };
}

test('a record that is skipped is done for its source, and has failed for its pipeline', () => {
  const { skipped, inFlight, log, told } = setUp();
  const record = log.message('{}', { topic: 'orders', partition: 2, offset: 41 });
  inFlight.admit(batchOf(record));
  record.derive({ json: { changed: true } }).nack(INVALID);
  assert.deepEqual(skipped, [[record, 'TG_MESSAGE_INVALID']]);
  assert.deepEqual(log.outcomes, ['ack']);
  assert.deepEqual(
    told.settled.map(([, failure]) => failure?.code),
    ['TG_MESSAGE_INVALID'],
  );
  assert.deepEqual([inFlight.size, inFlight.gate.messages, inFlight.gate.bytes, told.emptied], [0, 0, 0, 1]);
});

test('a split of which parts fail is skipped once', () => {
  const { skipped, inFlight, log } = setUp();
  const record = log.message('ab');
  inFlight.admit(batchOf(record));
  for (const part of record.split([{ payload: Buffer.from('a') }, { payload: Buffer.from('b') }])) part.nack(INVALID);
  assert.deepEqual(skipped, [[record, 'TG_MESSAGE_INVALID']]);
  assert.deepEqual([log.outcomes, inFlight.size], [['ack'], 0]);
});

for (const code of ['TG_LOG_UNAVAILABLE', 'TG_STOPPING', 'TG_FLOW_FAILED'] as const) {
  test(`${code} says nothing about the record, so it is not skipped`, () => {
    const { skipped, inFlight, log } = setUp();
    const record = log.message('a');
    inFlight.admit(batchOf(record));
    record.nack(new TidegateError(code, 'away'));
    assert.deepEqual([skipped, log.outcomes, inFlight.size], [[], [code], 0]);
  });
}
