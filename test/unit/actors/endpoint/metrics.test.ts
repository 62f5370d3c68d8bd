import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EndpointMetrics } from '../../../../src/actors/endpoint/metrics.ts';
import { createStats } from '../../../../src/telemetry/stats.ts';

function setUp() {
  const stats = createStats();
  const metrics = new EndpointMetrics(stats, 'e', { connections: () => 1, paused: () => 2, queued: () => 3 });
  /** Points of a metric that are not 0, by the values of their labels beside the endpoint. */
  const points = (name: string) => {
    const metric = stats.snapshot().find((one) => one.name === name);
    assert.ok(metric !== undefined && metric.kind !== 'histogram', name);
    const named = metric.points.map(({ labels: { endpoint, ...rest }, value }) => {
      assert.equal(endpoint, 'e');
      return [Object.values(rest).join(), value] as const;
    });
    return Object.fromEntries(named.filter(([, value]) => value !== 0));
  };
  return { metrics, points };
}

test('gauges show what they are asked for', () => {
  const { points } = setUp();
  assert.deepEqual(
    [points('tidegate_connections'), points('tidegate_sockets_paused'), points('tidegate_send_queue_bytes')],
    [{ '': 1 }, { '': 2 }, { '': 3 }],
  );
});

test('each answer counts once, by what it says', () => {
  const { metrics, points } = setUp();
  metrics.answered(null);
  metrics.answered(null, 'stored');
  metrics.answered(null, 'filtered');
  metrics.answered(null, 'dead_letter');
  metrics.answered({ code: 'X', message: '', retryable: true });
  metrics.answered({ code: 'X', message: '', retryable: false });
  metrics.answered({ code: 'X', message: '', retryable: false });
  assert.deepEqual(points('tidegate_answers_total'), { ack: 2, filtered: 1, dead_letter: 1, retryable: 1, error: 2 });
});

test('codes that clients choose themselves share a label, ours and those of RFC 6455 have their own', () => {
  const { metrics, points } = setUp();
  for (const code of [1000, 1006, 2999, 3000, 3999, 4000, 4999]) metrics.closed(code);
  const counted = points('tidegate_connections_closed_total');
  assert.deepEqual([counted['1000'], counted['1006'], counted['2999'], counted['3xxx']], [1, 1, 1, 2]);
  assert.equal((counted['4xxx'] ?? 0) + (counted['4000'] ?? 0), 2);
});

test('drops and rejections count by their reason, and no drop makes no series move', () => {
  const { metrics, points } = setUp();
  metrics.dropped('slow', 0);
  metrics.dropped('slow', 2);
  metrics.dropped('slow', 3);
  metrics.dropped('closed', 1);
  metrics.rejected('json');
  metrics.rejected('json');
  assert.deepEqual(points('tidegate_frames_dropped_total'), { slow: 5, closed: 1 });
  assert.deepEqual(points('tidegate_frames_rejected_total'), { json: 2 });
});
