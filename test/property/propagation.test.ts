import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultTextMapGetter, ROOT_CONTEXT, type TextMapPropagator, trace } from '@opentelemetry/api';
import { B3Propagator } from '@opentelemetry/propagator-b3';
import { JaegerPropagator } from '@opentelemetry/propagator-jaeger';
import fc from 'fast-check';
import { Baggage } from '../../src/core/baggage.ts';
import type { Header } from '../../src/core/headers.ts';
import { ownText, propagationOf } from '../../src/core/propagation.ts';
import { parseTraceparent } from '../../src/core/trace-context.ts';
import { TRACE_FORMATS } from '../../src/core/trace-format.ts';

const NAMES = [
  ...['traceparent', 'tracestate', 'b3', 'x-b3-traceid', 'x-b3-spanid', 'x-b3-sampled', 'x-b3-flags'],
  ...['uber-trace-id', 'X-B3-TraceId', 'X-B3-SpanId', 'baggage', 'uberctx-tenant'],
];
const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length });
/** Pieces of the three formats in any order, so that many are nearly right. */
const nearly = fc
  .array(
    fc.oneof(
      hex(32),
      hex(16),
      hex(1),
      hex(2),
      fc.constantFrom('-', ':', '%3A', '00', '01', 'd', ',', ' ', '=', ';', '%'),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));
const text = fc.oneof(nearly, fc.string({ unit: 'binary', maxLength: 80 }));
const value = fc.oneof(
  fc.constant(null),
  text,
  fc.oneof(
    text.map((one) => Buffer.from(one)),
    fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
  ),
);
const headers: fc.Arbitrary<Header[]> = fc.array(fc.tuple(fc.constantFrom(...NAMES), value), { maxLength: 8 });
const formats = fc.shuffledSubarray([...TRACE_FORMATS], { minLength: 1 });
const ids = fc
  .record({ traceId: hex(32), spanId: hex(16) })
  .filter(({ traceId, spanId }) => !/^0+$/.test(traceId) && !/^0+$/.test(spanId));

test('any bytes in headers are a trace whose ids are there, or none, and are written over or left alone', () => {
  fc.assert(
    fc.property(headers, formats, (given, list) => {
      const propagation = propagationOf(list);
      const found = propagation.traceIn(given);
      assert.equal(propagation.withTrace(given, found), given);
      if (found === undefined) return;
      const parsed = parseTraceparent(found.traceparent);
      assert.ok(parsed !== undefined, found.traceparent);
      const all = given.map(([, content]) => String(content).toLowerCase());
      for (const id of [parsed.traceId, parsed.spanId])
        assert.ok(
          all.some((content) => content.includes(id.replace(/^0+/, ''))),
          `${id} is not in ${all}`,
        );
    }),
    { numRuns: 2_000 },
  );
});

test('what is written in any formats is read again by each of them', () => {
  fc.assert(
    fc.property(ids, fc.boolean(), formats, headers, ({ traceId, spanId }, isSampled, list, others) => {
      const trace = { traceparent: `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}` };
      const written = propagationOf(list).withTrace(others, trace);
      for (const format of list) assert.deepEqual(propagationOf([format]).traceIn(written), trace);
    }),
  );
});

test("well-formed b3 and jaeger headers mean what they mean to OpenTelemetry's propagators", () => {
  const states = fc.constantFrom('', '-0', '-1', '-d', '-1-00f067aa0ba902b7');
  const flags = fc.constantFrom('0', '1', '2', '3', '00', '01', '03');
  const cases = fc.record({ ids, isShort: fc.boolean(), state: states, flags });
  const said = (propagator: TextMapPropagator, carrier: Record<string, string>) => {
    const context = trace.getSpanContext(propagator.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter));
    return context && { traceparent: `00-${context.traceId}-${context.spanId}-0${context.traceFlags}` };
  };
  fc.assert(
    fc.property(cases, ({ ids: { traceId, spanId }, isShort, state, flags: bits }) => {
      const id = isShort ? traceId.slice(16) : traceId;
      if (/^0+$/.test(id)) return;
      const single = { b3: `${id}-${spanId}${state}` };
      const sampled: Record<string, string> =
        state === '' ? {} : { 'x-b3-sampled': state[1] === 'd' ? '1' : (state[1] as string) };
      const several: Record<string, string> = { 'x-b3-traceid': id, 'x-b3-spanid': spanId, ...sampled };
      const uber = { 'uber-trace-id': `${id}:${spanId}:0:${bits}` };
      for (const carrier of [single, several])
        assert.deepEqual(propagationOf(['b3']).read(carrier, ownText), said(new B3Propagator(), carrier));
      assert.deepEqual(propagationOf(['jaeger']).read(uber, ownText), said(new JaegerPropagator(), uber));
    }),
  );
});

test('any text as baggage is at most 64 members and 8,192 characters, and is read again as written', () => {
  const fields = fc.dictionary(
    fc.oneof(
      fc.constantFrom('baggage', 'uberctx-a'),
      fc.string().map((name) => `uberctx-${name}`),
    ),
    fc.oneof(
      text,
      fc.string({ minLength: 0, maxLength: 200 }).map((one) => `k=${one},`.repeat(100)),
    ),
  );
  fc.assert(
    fc.property(fields, formats, (given, list) => {
      const baggage = new Baggage(list, () => {});
      const written = baggage.read(given, ownText);
      for (const [name, content] of written) {
        assert.match(name, /^(baggage|uberctx-[!#$%&'*+.^_`|~0-9A-Za-z-]+)$/);
        assert.match(String(content), /^[\x21-\x7e]*$/);
        assert.ok(String(content).length <= 8_192);
        if (name === 'baggage') assert.ok(String(content).split(',').length <= 64);
      }
      for (const format of list) {
        let dropped = 0;
        const again = new Baggage([format], () => {
          dropped += 1;
        }).read(Object.fromEntries(written), ownText);
        const isOfFormat = (name: string) => name.startsWith(format === 'w3c' ? 'baggage' : 'uberctx-');
        const expected = format === 'b3' ? [] : written.filter(([name]) => isOfFormat(name));
        assert.deepEqual([again, dropped], [expected, 0]);
      }
    }),
  );
});
