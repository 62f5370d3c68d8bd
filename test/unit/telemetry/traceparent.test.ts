import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseTraceparent, traceContext } from '../../../src/core/trace-context.ts';
import { formatTraceContext, isSampled, parseTraceContext } from '../../../src/telemetry/traceparent.ts';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN_ID = '00f067aa0ba902b7';

const hex = (length: number) =>
  fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: length, maxLength: length })
    .map((digits) => digits.join(''))
    .filter((text) => /[1-9a-f]/.test(text));

test('what is written is read back as it was', () => {
  fc.assert(
    fc.property(hex(32), hex(16), fc.boolean(), (traceId, spanId, sampled) => {
      const trace = formatTraceContext({ traceId, spanId, traceFlags: sampled ? 1 : 0 });
      const context = parseTraceContext(trace);
      assert.deepEqual(context, { traceId, spanId, traceFlags: sampled ? 1 : 0, isRemote: true });
      assert.equal(context !== undefined && isSampled(context), sampled);
    }),
  );
});

test('tracestate travels along', () => {
  const context = parseTraceContext({ traceparent: `00-${TRACE_ID}-${SPAN_ID}-01`, tracestate: 'vendor=1,other=2' });
  assert.ok(context);
  assert.equal(formatTraceContext(context).tracestate, 'vendor=1,other=2');
});

test('the sampled bit counts whatever other flags there are', () => {
  for (const [flags, sampled] of [
    ['00', false],
    ['01', true],
    ['02', false],
    ['0b', true],
    ['ff', true],
  ] as const) {
    const context = parseTraceContext({ traceparent: `00-${TRACE_ID}-${SPAN_ID}-${flags}` });
    assert.ok(context);
    assert.equal(isSampled(context), sampled, flags);
  }
});

test('a later version may carry more behind the flags, version 00 may not, and ff is none', () => {
  assert.ok(parseTraceContext({ traceparent: `01-${TRACE_ID}-${SPAN_ID}-01-more` }));
  assert.equal(parseTraceContext({ traceparent: `00-${TRACE_ID}-${SPAN_ID}-01-more` }), undefined);
  assert.equal(parseTraceContext({ traceparent: `ff-${TRACE_ID}-${SPAN_ID}-01` }), undefined);
});

test('malformed ones count as none', () => {
  for (const traceparent of [
    '',
    'garbage',
    `00-${TRACE_ID.toUpperCase()}-${SPAN_ID}-01`,
    `00-${'0'.repeat(32)}-${SPAN_ID}-01`,
    `00-${TRACE_ID}-${'0'.repeat(16)}-01`,
    `00-${TRACE_ID}-${SPAN_ID}-1`,
    `00-${TRACE_ID}-${SPAN_ID}-01\n`,
  ]) {
    assert.equal(parseTraceContext({ traceparent }), undefined, JSON.stringify(traceparent));
  }
});

test('what travels on is of version 00, with the flags that it knows', () => {
  const id = `${TRACE_ID}-${SPAN_ID}`;
  assert.deepEqual(traceContext(`00-${id}-03`), { traceparent: `00-${id}-03` });
  assert.deepEqual(traceContext(`01-${id}-03`), { traceparent: `00-${id}-01` });
  assert.deepEqual(traceContext(`fe-${id}-02-what-comes-later`), { traceparent: `00-${id}-00` });
  assert.equal(traceContext(`01-${id}-01more`), undefined);
  assert.equal(traceContext(`ff-${id}-01`), undefined);
});

test('any text is parsed or not, and what travels on can be parsed again', () => {
  const near = fc
    .tuple(hex(2), hex(32), hex(16), hex(2), fc.constantFrom('', '-', '-x', 'x', '\n'))
    .map(([version, trace, span, flags, rest]) => `${version}-${trace}-${span}-${flags}${rest}`);
  fc.assert(
    fc.property(fc.oneof(near, fc.string()), (text) => {
      const context = traceContext(text);
      assert.equal(context === undefined, parseTraceparent(text) === undefined);
      if (context !== undefined) assert.equal(parseTraceparent(context.traceparent)?.version, '00');
    }),
  );
});
