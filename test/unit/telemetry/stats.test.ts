import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createStats, type HistogramPoint, type MetricSnapshot } from '../../../src/telemetry/stats.ts';

const ROOMS = { endpoint: 'rooms' };

test('the same name and labels give the same counter, others another', () => {
  const stats = createStats();
  const counter = stats.counter('tidegate_frames_received_total', ROOMS);
  counter.value += 3;
  stats.counter('tidegate_frames_received_total', { endpoint: 'other' }).value += 1;
  assert.equal(stats.counter('tidegate_frames_received_total', { endpoint: 'rooms' }), counter);
  assert.deepEqual(stats.snapshot(), [
    {
      name: 'tidegate_frames_received_total',
      kind: 'counter',
      points: [
        { labels: ROOMS, value: 3 },
        { labels: { endpoint: 'other' }, value: 1 },
      ],
    },
  ]);
});

test('the order of labels makes no difference, and values cannot run into one another', () => {
  const stats = createStats();
  const one = stats.counter('tidegate_frames_dropped_total', { endpoint: 'a', reason: 'slow' });
  assert.equal(stats.counter('tidegate_frames_dropped_total', { reason: 'slow', endpoint: 'a' }), one);
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (endpoint, reason, endpoint2, reason2) => {
      const first = stats.counter('tidegate_frames_dropped_total', { endpoint, reason });
      const second = stats.counter('tidegate_frames_dropped_total', { endpoint: endpoint2, reason: reason2 });
      assert.equal(first === second, endpoint === endpoint2 && reason === reason2);
    }),
  );
});

test('a gauge is read when someone asks, replaced by a later one and removed by its own function only', () => {
  const stats = createStats();
  let reads = 0;
  const removeFirst = stats.gauge('tidegate_connections', ROOMS, () => {
    reads += 1;
    return 7;
  });
  assert.equal(reads, 0);
  assert.equal(gaugeValue(stats.snapshot()), 7);
  const removeSecond = stats.gauge('tidegate_connections', ROOMS, () => 8);
  removeFirst();
  assert.equal(gaugeValue(stats.snapshot()), 8);
  removeSecond();
  assert.deepEqual(stats.snapshot(), []);
});

test('a gauge that throws or gives no finite number is left out and leaves the others alone', () => {
  const stats = createStats();
  stats.gauge('tidegate_connections', { endpoint: 'broken' }, () => {
    throw new Error('half way down');
  });
  stats.gauge('tidegate_connections', { endpoint: 'odd' }, () => Number.NaN);
  stats.gauge('tidegate_connections', ROOMS, () => 2);
  assert.deepEqual(stats.snapshot(), [
    { name: 'tidegate_connections', kind: 'gauge', points: [{ labels: ROOMS, value: 2 }] },
  ]);
});

test('a histogram counts each value once, in the first bucket whose bound is not below it', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 100, noNaN: true })), (values) => {
      const stats = createStats();
      const histogram = stats.histogram('tidegate_lane_send_seconds', { topic: 't' });
      for (const value of values) histogram.record(value);
      const point = stats.snapshot()[0]?.points[0] as HistogramPoint;
      assert.equal(point.counts.length, point.bounds.length + 1);
      assert.equal(point.count, values.length);
      assert.ok(Math.abs(point.sum - values.reduce((sum, value) => sum + value, 0)) < 1e-6);
      let cumulative = 0;
      for (const [index, bound] of point.bounds.entries()) {
        cumulative += point.counts[index] ?? 0;
        assert.equal(cumulative, values.filter((value) => value <= bound).length);
      }
    }),
  );
});

test('a snapshot of a histogram does not change when more is recorded', () => {
  const stats = createStats();
  const histogram = stats.histogram('tidegate_lane_send_seconds', { topic: 't' });
  histogram.record(1);
  const before = stats.snapshot()[0]?.points[0] as HistogramPoint;
  histogram.record(1);
  assert.equal(
    before.counts.reduce((sum, count) => sum + count, 0),
    1,
  );
});

test('a metric of another kind, a missing label and an unknown label are mistakes that show at once', () => {
  const stats = createStats();
  assert.throws(() => stats.counter('tidegate_connections', ROOMS), /tidegate_connections is no counter/);
  assert.throws(
    () => stats.counter('tidegate_frames_dropped_total', ROOMS),
    /tidegate_frames_dropped_total needs the label reason/,
  );
  assert.throws(
    () => stats.counter('tidegate_frames_received_total', { ...ROOMS, client: 'c' }),
    /has the labels endpoint, not endpoint, client/,
  );
});

function gaugeValue(metrics: MetricSnapshot[]): number | undefined {
  const [metric] = metrics;
  return metric?.kind === 'gauge' ? metric.points[0]?.value : undefined;
}

test('an observable counter is read on demand, has the kind of a counter, and goes by its own function', () => {
  const stats = createStats();
  let seconds = 1;
  const labels = { pipeline: 'p' };
  const remove = stats.observableCounter('tidegate_pipeline_gate_closed_seconds_total', labels, () => seconds);
  seconds = 2;
  assert.deepEqual(stats.snapshot(), [
    { name: 'tidegate_pipeline_gate_closed_seconds_total', kind: 'counter', points: [{ labels, value: 2 }] },
  ]);
  assert.throws(() => stats.observableCounter('tidegate_connections', ROOMS, () => 1), /is no counter/);
  remove();
  assert.deepEqual(stats.snapshot(), []);
});

test('each bucket keeps the newest trace that was given with a value, and no others', () => {
  const stats = createStats();
  const histogram = stats.histogram('tidegate_lane_send_seconds', { topic: 't' });
  const point = () => stats.snapshot()[0]?.points[0] as HistogramPoint;
  histogram.record(0.02);
  assert.equal(point().exemplars, undefined);
  histogram.record(0.02, 'first');
  histogram.record(0.021, 'second');
  histogram.record(0.022);
  histogram.record(99, 'slow');
  const { exemplars = [], counts } = point();
  assert.equal(exemplars.length, counts.length);
  assert.deepEqual(
    exemplars.flatMap((one, bucket) => (one === undefined ? [] : [[bucket, one.traceId, one.value]])),
    [
      [point().bounds.indexOf(0.025), 'second', 0.021],
      [counts.length - 1, 'slow', 99],
    ],
  );
});
