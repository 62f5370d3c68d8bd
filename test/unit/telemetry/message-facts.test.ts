import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Message } from '../../../src/core/message.ts';
import { factsOf } from '../../../src/telemetry/message-facts.ts';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN_ID = '00f067aa0ba902b7';

test('a line about a message says which client sent it, where it is in the log, and which trace it is in', () => {
  const message = new Message(Buffer.from('{}'), {
    meta: { client_id: 'client-1', endpoint: 'rooms' },
    trace: { traceparent: `00-${TRACE_ID}-${SPAN_ID}-00` },
    ...{ topic: 'orders', partition: 2, offset: 0 },
  });
  assert.deepEqual(factsOf(message.derive({ payload: Buffer.from('changed') })), {
    client_id: 'client-1',
    topic: 'orders',
    partition: 2,
    offset: 0,
    trace_id: TRACE_ID,
    span_id: SPAN_ID,
  });
});

test('what is not known is left out, and so is a traceparent that is malformed', () => {
  assert.deepEqual(factsOf(new Message(Buffer.from('{}'))), {});
  assert.deepEqual(factsOf(new Message(Buffer.from('{}'), { trace: { traceparent: 'nonsense' } })), {});
});
