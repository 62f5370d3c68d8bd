import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTraceparent, traceContext } from '../../../src/core/trace-context.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const of = (version: string, flags: string, rest = '') => `${version}-${TRACE}-${SPAN}-${flags}${rest}`;

test('a traceparent is its four fields', () => {
  assert.deepEqual(parseTraceparent(of('00', '01')), { version: '00', traceId: TRACE, spanId: SPAN, flags: '01' });
});

test('version ff, more fields in version 00, and ids of zeros are not a traceparent', () => {
  const zeros = [`00-${'0'.repeat(32)}-${SPAN}-01`, `00-${TRACE}-${'0'.repeat(16)}-01`];
  for (const text of [
    of('ff', '01'),
    of('ff', '01', '-x'),
    of('00', '01', '-x'),
    of('00', '01', '-'),
    ...zeros,
    '',
    'x',
  ])
    assert.deepEqual([parseTraceparent(text), traceContext(text)], [undefined, undefined], text);
  assert.ok(parseTraceparent(of('01', '01', '-x')) !== undefined);
});

test('version 00 travels on as it came, a later one as 00 with the flag that 00 knows', () => {
  assert.deepEqual(traceContext(of('00', 'ff')), { traceparent: of('00', 'ff') });
  assert.deepEqual(traceContext(of('01', 'ff', '-x')), { traceparent: of('00', '01') });
  assert.deepEqual(traceContext(of('01', '02')), { traceparent: of('00', '00') });
});
