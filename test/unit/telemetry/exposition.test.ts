import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { exposition, type MetricFamily } from '../../../src/telemetry/exposition.ts';
import { createStats, type HistogramPoint } from '../../../src/telemetry/stats.ts';
import { parseExposition } from '../../helpers/exposition.ts';

const FORMATS = ['text', 'openmetrics'] as const;
/** Any text, with what has to be escaped more often than by chance. */
const anyText = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom('"', '\\', '\n', 'n', '\r', '\u2028', ' ', '{', '}', ',', '=', '#') }),
);
const number = fc.double({ noNaN: true });

const histogramOf = (values: readonly number[], traceId?: string): HistogramPoint => {
  const stats = createStats();
  const histogram = stats.histogram('tidegate_lane_send_seconds', { topic: 't' });
  for (const value of values) histogram.record(value, traceId);
  return stats.snapshot()[0]?.points[0] as HistogramPoint;
};

test('any label value, any help and any number come back from either format', () => {
  fc.assert(
    fc.property(anyText, anyText, anyText, number, fc.constantFrom(...FORMATS), (one, two, help, value, format) => {
      const families: MetricFamily[] = [
        { name: 'a_total', kind: 'counter', help, points: [{ labels: { one, two }, value }] },
        { name: 'b', kind: 'gauge', help: 'B.', points: [{ labels: {}, value }] },
      ];
      const [target, counter, gauge] = parseExposition(exposition(format, { service_name: one }, families), format);
      assert.deepEqual(target?.samples, [{ name: 'target_info', labels: { service_name: one }, value: 1 }]);
      assert.equal(counter?.help, help);
      assert.deepEqual(counter?.samples, [{ name: 'a_total', labels: { one, two }, value: value + 0 }]);
      assert.deepEqual(gauge?.samples, [{ name: 'b', labels: {}, value: value + 0 }]);
    }),
  );
});

test('buckets are cumulative, end at +Inf with the count, and come before sum and count', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 60, noNaN: true })),
      fc.constantFrom(...FORMATS),
      (values, format) => {
        const point = histogramOf(values);
        const family: MetricFamily = { name: 'h_seconds', kind: 'histogram', help: 'H.', points: [point] };
        const samples = parseExposition(exposition(format, {}, [family]), format)[1]?.samples ?? [];
        const bounds = [...point.bounds, Number.POSITIVE_INFINITY];
        assert.deepEqual(
          samples.slice(0, -2).map(({ labels, value }) => [labels.le, value]),
          bounds.map((bound) => [
            bound === Number.POSITIVE_INFINITY ? '+Inf' : String(bound),
            values.filter((value) => value <= bound).length,
          ]),
        );
        assert.deepEqual(
          samples.slice(-2).map(({ name, labels, value }) => [name, labels, value]),
          [
            ['h_seconds_sum', { topic: 't' }, point.sum],
            ['h_seconds_count', { topic: 't' }, values.length],
          ],
        );
      },
    ),
  );
});

test('OpenMetrics names counters and the target without their ending, and ends with # EOF', () => {
  const families: MetricFamily[] = [
    { name: 'a_total', kind: 'counter', help: 'Say "a".', points: [{ labels: {}, value: 1 }] },
    { name: 'b_total', kind: 'untyped', help: 'B.', points: [{ labels: {}, value: 2 }] },
  ];
  assert.equal(
    exposition('openmetrics', { service_name: 's' }, families),
    [
      '# HELP target Target metadata',
      '# TYPE target info',
      'target_info{service_name="s"} 1',
      '# HELP a Say \\"a\\".',
      '# TYPE a counter',
      'a_total 1',
      '# HELP b_total B.',
      '# TYPE b_total unknown',
      'b_total 2',
      '# EOF',
      '',
    ].join('\n'),
  );
  assert.equal(
    exposition('text', { service_name: 's' }, families),
    [
      '# HELP target_info Target metadata',
      '# TYPE target_info gauge',
      'target_info{service_name="s"} 1',
      '# HELP a_total Say "a".',
      '# TYPE a_total counter',
      'a_total 1',
      '# HELP b_total B.',
      '# TYPE b_total untyped',
      'b_total 2',
      '',
    ].join('\n'),
  );
});

test('an exemplar is at the bucket in which its value was counted, in OpenMetrics alone', () => {
  const before = Date.now() / 1_000;
  const point = histogramOf([0.03], 'abc');
  const family: MetricFamily = { name: 'h_seconds', kind: 'histogram', help: 'H.', points: [point] };
  const samples = parseExposition(exposition('openmetrics', {}, [family]), 'openmetrics')[1]?.samples ?? [];
  const [sample, ...others] = samples.filter(({ exemplar }) => exemplar !== undefined);
  assert.deepEqual(others, []);
  assert.equal(sample?.labels.le, '0.05');
  assert.deepEqual([sample?.exemplar?.labels, sample?.exemplar?.value], [{ trace_id: 'abc' }, 0.03]);
  const at = sample?.exemplar?.at ?? 0;
  assert.ok(at >= before - 0.001 && at <= Date.now() / 1_000, `${at}`);
  assert.doesNotMatch(exposition('text', {}, [family]), / # /);
});
