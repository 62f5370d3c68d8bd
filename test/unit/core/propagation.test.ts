import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Header } from '../../../src/core/headers.ts';
import { ownText, propagationOf, W3C } from '../../../src/core/propagation.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const OTHER = '1111111111111111';
const w3c = (flags: string, span = SPAN) => ({ traceparent: `00-${TRACE}-${span}-${flags}` });
const ALL = propagationOf(['w3c', 'b3', 'jaeger']);
const B3 = propagationOf(['b3']);
const JAEGER = propagationOf(['jaeger']);

test('b3 is read as one header, with and without state and parent, and with 64 bits of trace id', () => {
  const of = (b3: string) => B3.traceIn([['b3', Buffer.from(b3)]]);
  assert.deepEqual(of(`${TRACE}-${SPAN}-1`), w3c('01'));
  assert.deepEqual(of(`${TRACE}-${SPAN}-d-${OTHER}`), w3c('01'));
  assert.deepEqual(of(`${TRACE}-${SPAN}-0`), w3c('00'));
  assert.deepEqual(of(`${TRACE}-${SPAN}`), w3c('00'));
  assert.deepEqual(of(`${SPAN}-${OTHER}-1`), { traceparent: `00-${'0'.repeat(16)}${SPAN}-${OTHER}-01` });
});

test('incomplete b3 is not a trace: states alone, text around it, ids of zeros or of another length', () => {
  const zeros = '0'.repeat(16);
  for (const b3 of [
    '0',
    '1',
    'd',
    '',
    `x${TRACE}-${SPAN}-1`,
    `${TRACE}-${SPAN}-1x`,
    `${TRACE}-${SPAN}-2`,
    `${TRACE}-${SPAN}-`,
    `ab${TRACE}-${SPAN}-1`,
    `${TRACE.toUpperCase()}-${SPAN}-1`,
    `${TRACE}-${zeros}-1`,
    `${zeros}${zeros}-${SPAN}-1`,
  ])
    assert.equal(B3.traceIn([['b3', b3]]), undefined, b3);
});

test('b3 is read as several headers in any case of letters; the debug flag means sampled', () => {
  const ids: Header[] = [
    ['X-B3-TraceId', TRACE],
    ['x-b3-spanid', SPAN],
  ];
  assert.deepEqual(B3.traceIn(ids), w3c('00'));
  for (const [state, flags] of [
    ['1', '01'],
    ['true', '01'],
    ['0', '00'],
    ['false', '00'],
  ] as const)
    assert.deepEqual(B3.traceIn([...ids, ['X-B3-Sampled', state]]), w3c(flags));
  assert.deepEqual(B3.traceIn([...ids, ['X-B3-Flags', '1']]), w3c('01'));
  assert.equal(B3.traceIn([...ids, ['X-B3-Sampled', 'yes']]), undefined);
  assert.equal(B3.traceIn(ids.slice(0, 1)), undefined);
  assert.equal(B3.traceIn(ids.slice(1)), undefined);
  assert.deepEqual(
    B3.traceIn([['b3', '0'], ...ids]),
    w3c('00'),
    'one header that says no trace leaves it to the others',
  );
});

test('uber-trace-id is read without zeros in front, percent-encoded and in capitals', () => {
  const of = (text: string) => JAEGER.traceIn([['uber-trace-id', text]]);
  assert.deepEqual(of(`${TRACE}:${SPAN}:0:1`), w3c('01'));
  assert.deepEqual(of(`${TRACE.toUpperCase()}:f067aa0ba902b7:0:03`), w3c('01'));
  assert.deepEqual(of(`${TRACE}%3A${SPAN}%3a0%3A2`), w3c('00'));
  for (const text of [
    '',
    `${TRACE}:${SPAN}:0`,
    `${TRACE}:${SPAN}:0:`,
    `${TRACE}:${SPAN}:0:x`,
    `${TRACE}:${SPAN}:0:001`,
    `0:${SPAN}:0:1`,
    `${TRACE}:0:0:1`,
    `a${TRACE}:${SPAN}:0:1`,
    `zz:${SPAN}:0:1`,
    ` ${TRACE}:${SPAN}:0:1`,
  ])
    assert.equal(of(text), undefined, text);
});

test('the first format of the list that is there and sound decides, and one that is not listed is not read', () => {
  const headers: Header[] = [
    ['uber-trace-id', `${TRACE}:${OTHER}:0:1`],
    ['b3', `${TRACE}-${SPAN}-1`],
  ];
  assert.deepEqual(ALL.traceIn(headers), w3c('01'));
  assert.deepEqual(propagationOf(['jaeger', 'b3']).traceIn(headers), w3c('01', OTHER));
  assert.deepEqual(ALL.traceIn([['traceparent', 'x'], ...headers]), w3c('01'));
  assert.deepEqual(ALL.traceIn([['traceparent', w3c('00', OTHER).traceparent], ...headers]), w3c('00', OTHER));
  assert.equal(W3C.traceIn(headers), undefined);
  assert.equal(B3.traceIn([['traceparent', w3c('01').traceparent]]), undefined);
});

test('a new trace takes the place of all listed headers and is written in each listed format', () => {
  const trace = { ...w3c('01'), tracestate: 'a=1' };
  const headers: Header[] = [
    ['X-B3-TraceId', TRACE],
    ['own', 'x'],
    ['b3', `${TRACE}-${OTHER}-1`],
    ['uber-trace-id', 'x'],
    ['traceparent', 'x'],
  ];
  assert.deepEqual(ALL.withTrace(headers, trace), [
    ['own', 'x'],
    ['traceparent', trace.traceparent],
    ['tracestate', 'a=1'],
    ['b3', `${TRACE}-${SPAN}-1`],
    ['uber-trace-id', `${TRACE}:${SPAN}:0:01`],
  ]);
  assert.deepEqual(B3.withTrace(headers.slice(1), w3c('00')), [
    ['own', 'x'],
    ['uber-trace-id', 'x'],
    ['traceparent', 'x'],
    ['b3', `${TRACE}-${SPAN}-0`],
  ]);
});

test('headers that say the same trace, or a message without one, stay as they are', () => {
  const headers: Header[] = [
    ['b3', `${TRACE}-${SPAN}-0-${OTHER}`],
    ['own', null],
  ];
  assert.equal(ALL.withTrace(headers, ALL.traceIn(headers)), headers);
  assert.equal(ALL.withTrace(headers, undefined), headers);
  assert.equal(ALL.traceIn([]), undefined);
});

test('another tracestate replaces the one in the headers, in a list of formats and with w3c alone', () => {
  const headers: Header[] = [
    ['traceparent', w3c('01').traceparent],
    ['tracestate', 'a=1'],
  ];
  const changed = { ...w3c('01'), tracestate: 'a=2' };
  for (const propagation of [W3C, propagationOf(['w3c', 'jaeger'])]) {
    const written = propagation.withTrace(headers, changed);
    assert.deepEqual(written.slice(0, 2), [headers[0], ['tracestate', 'a=2']]);
    assert.deepEqual(propagation.withTrace(headers, w3c('01'))[0], headers[0]);
    assert.equal(
      propagation.withTrace(headers, w3c('01')).some(([name]) => name === 'tracestate'),
      false,
    );
  }
});

test('the last header of a name counts, and null or very long ones say nothing', () => {
  const sound: Header = ['b3', `${TRACE}-${SPAN}-1`];
  assert.deepEqual(B3.traceIn([['b3', 'x'], sound]), w3c('01'));
  assert.equal(B3.traceIn([sound, ['b3', null]]), undefined);
  assert.equal(B3.traceIn([sound, ['b3', Buffer.alloc(100_000, 0x61)]]), undefined);
});

test('fields of a frame are texts of its own: nothing that is inherited, and no other value', () => {
  assert.deepEqual(ALL.read({ b3: `${TRACE}-${SPAN}-1` }, ownText), w3c('01'));
  assert.deepEqual(W3C.read({ traceparent: w3c('01').traceparent, tracestate: 'a=1' }, ownText), {
    ...w3c('01'),
    tracestate: 'a=1',
  });
  assert.equal(ALL.read({ b3: 1, traceparent: [w3c('01').traceparent] }, ownText), undefined);
  assert.equal(ALL.read(Object.create({ b3: `${TRACE}-${SPAN}-1` }), ownText), undefined);
});

test('a tracestate that is long or no text of printable characters is left out, and its trace goes on', () => {
  const of = (tracestate: string) => W3C.read({ ...w3c('00'), tracestate }, ownText);
  const longest = `a=${'b'.repeat(510)}`;
  assert.deepEqual(of(longest), { ...w3c('00'), tracestate: longest });
  for (const tracestate of [`${longest}b`, 'a=b\n', 'a=\u0000', 'a=\u00e9', ''])
    assert.deepEqual(of(tracestate), w3c('00'));
});
