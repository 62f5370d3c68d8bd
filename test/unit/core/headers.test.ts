import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  allHeaders,
  type Header,
  lastHeader,
  NO_HEADERS,
  withAddedHeader,
  withHeader,
  withoutHeader,
} from '../../../src/core/headers.ts';
import { traceIn, withTrace } from '../../../src/core/trace-headers.ts';
import { anyHeaders } from '../../../src/testing/arbitraries/headers.ts';

const HEADERS: readonly Header[] = [
  ['b', '1'],
  ['a', null],
  ['b', '2'],
  ['c', '3'],
  ['b', null],
];

test('of several headers of a name the last one counts, and all can be had', () => {
  assert.equal(lastHeader(HEADERS, 'b'), null);
  assert.equal(lastHeader(HEADERS, 'c'), '3');
  assert.equal(lastHeader(HEADERS, 'constructor'), undefined);
  assert.deepEqual(allHeaders(HEADERS, 'b'), ['1', '2', null]);
  assert.deepEqual(allHeaders(HEADERS, 'toString'), []);
});

test('a header is set in place of all of its name, where the first one was', () => {
  assert.deepEqual(withHeader(HEADERS, 'b', 'new'), [
    ['b', 'new'],
    ['a', null],
    ['c', '3'],
  ]);
  assert.deepEqual(withHeader(HEADERS, 'd', null), [...HEADERS, ['d', null]]);
});

test('a header is added beside others of its name, and all of a name are taken out', () => {
  assert.deepEqual(withAddedHeader(HEADERS, 'b', 'new'), [...HEADERS, ['b', 'new']]);
  assert.deepEqual(withoutHeader(HEADERS, 'b'), [
    ['a', null],
    ['c', '3'],
  ]);
});

test('a change leaves the other headers and the list that it was made from as they are', () => {
  fc.assert(
    fc.property(anyHeaders, fc.constantFrom('a', 'b', '__proto__', '1', ''), (headers, name) => {
      const before = [...headers];
      const others = headers.filter((header) => header[0] !== name);
      const changed = withHeader(headers, name, 'new');
      assert.deepEqual(allHeaders(changed, name), ['new']);
      for (const list of [changed, withoutHeader(headers, name)]) {
        assert.deepEqual(
          list.filter((header) => header[0] !== name),
          others,
        );
      }
      assert.deepEqual(withAddedHeader(headers, name, null).slice(0, -1), before);
      assert.deepEqual(headers, before);
    }),
  );
});

test('no headers are none for everyone, whatever one of them does', () => {
  assert.throws(() => (NO_HEADERS as Header[]).push(['a', 'b']), TypeError);
});

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

test('the last traceparent and tracestate are the trace; a tracestate alone is none', () => {
  const headers: Header[] = [
    ['traceparent', 'older'],
    ['tracestate', Buffer.from('a=b')],
    ['traceparent', Buffer.from(traceparent)],
  ];
  assert.deepEqual(traceIn(headers), { traceparent, tracestate: 'a=b' });
  assert.deepEqual(traceIn([...headers, ['tracestate', null]]), { traceparent });
  assert.equal(traceIn([['tracestate', 'a=b']]), undefined);
  assert.equal(traceIn([...headers, ['traceparent', null]]), undefined);
});

test('headers that say the trace are written as they are, and others get it at their end', () => {
  fc.assert(fc.property(anyHeaders, (headers) => assert.equal(withTrace(headers, traceIn(headers)), headers)));
  const stale: Header[] = [
    ['tracestate', 'a=b'],
    ['kept', null],
    ['traceparent', traceparent],
  ];
  assert.deepEqual(withTrace(stale, { traceparent }), [
    ['kept', null],
    ['traceparent', traceparent],
  ]);
});
