import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Header } from '../../../src/core/headers.ts';
import { traceIn, withTrace } from '../../../src/core/trace-headers.ts';

const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const OTHER = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b8-01';

test('headers that say the same trace stay as they are, as bytes too, and with a state that is null', () => {
  for (const headers of [
    [['traceparent', TRACE]],
    [['traceparent', Buffer.from(TRACE)]],
    [
      ['traceparent', TRACE],
      ['tracestate', null],
    ],
  ] as Header[][])
    assert.equal(withTrace(headers, { traceparent: TRACE }), headers);
  const both: Header[] = [
    ['traceparent', TRACE],
    ['tracestate', Buffer.from('a=1')],
  ];
  assert.equal(withTrace(both, { traceparent: TRACE, tracestate: 'a=1' }), both);
  assert.equal(withTrace(both, undefined), both);
});

test('another trace, or another state, takes the place of what the headers say', () => {
  const headers: Header[] = [
    ['traceparent', TRACE],
    ['own', 'x'],
    ['tracestate', 'a=1'],
  ];
  assert.deepEqual(withTrace(headers, { traceparent: OTHER }), [
    ['own', 'x'],
    ['traceparent', OTHER],
  ]);
  assert.deepEqual(withTrace(headers, { traceparent: TRACE, tracestate: 'b=2' }), [
    ['own', 'x'],
    ['traceparent', TRACE],
    ['tracestate', 'b=2'],
  ]);
  assert.deepEqual(withTrace(headers, { traceparent: TRACE }), [
    ['own', 'x'],
    ['traceparent', TRACE],
  ]);
  assert.deepEqual(withTrace([['traceparent', null]], { traceparent: TRACE }), [['traceparent', TRACE]]);
});

test('the last traceparent of the headers counts, and one that cannot be parsed is none', () => {
  const of = (...headers: Header[]) => traceIn(headers);
  assert.deepEqual(of(['traceparent', OTHER], ['traceparent', TRACE]), { traceparent: TRACE });
  assert.deepEqual(of(['traceparent', Buffer.from(TRACE)], ['tracestate', Buffer.from('a=1')]), {
    traceparent: TRACE,
    tracestate: 'a=1',
  });
  assert.deepEqual([of(['traceparent', 'x']), of(['tracestate', 'a=1']), of()], [undefined, undefined, undefined]);
});
