// Own process: it counts files, handles and collections of its whole process.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createGateway } from '../../../src/index.ts';
import { PROCESS_METRICS, type ProcessMetricName, ProcessMetrics } from '../../../src/telemetry/process-metrics.ts';
import type { HistogramPoint, NumberPoint } from '../../../src/telemetry/stats.ts';
import { MEMORY } from '../library/rig.ts';

const NAMES = Object.keys(PROCESS_METRICS) as ProcessMetricName[];
const turns = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A watch over this process that ends with the test. */
function watch(t: { after(end: () => void): void }) {
  const metrics = new ProcessMetrics();
  t.after(() => metrics.stop());
  const value = async (name: ProcessMetricName) => {
    const points = (await metrics.snapshot()).find((one) => one.name === name)?.points as NumberPoint[] | undefined;
    assert.equal(points?.length, 1, name);
    return points?.[0]?.value ?? Number.NaN;
  };
  return { metrics, value };
}

test('every metric of the list is there, with the labels of the list', async (t) => {
  const { metrics } = watch(t);
  await turns(50);
  const snapshot = await metrics.snapshot();
  const names = snapshot.map(({ name }) => name);
  // Nothing may be under way just now.
  const there = NAMES.filter((name) => name !== 'nodejs_active_requests' || names.includes(name));
  assert.deepEqual([...names].sort(), process.platform === 'linux' ? there.sort() : [...names].sort());
  for (const { name, points } of snapshot) {
    const entry = PROCESS_METRICS[name as ProcessMetricName];
    const labels: readonly string[] = 'labels' in entry ? entry.labels : [];
    assert.ok(points.length > 0, name);
    for (const point of points) {
      assert.ok(Number.isFinite('value' in point ? point.value : point.sum), name);
      assert.deepEqual(Object.keys(point.labels), labels, name);
    }
  }
});

test('the metrics are those of this process', async (t) => {
  const { value } = watch(t);
  const { rss, heapUsed } = process.memoryUsage();
  assert.ok(Math.abs((await value('process_resident_memory_bytes')) / rss - 1) < 0.5);
  assert.ok(Math.abs((await value('nodejs_heap_size_used_bytes')) / heapUsed - 1) < 0.5);
  const started = Date.now() / 1_000 - process.uptime();
  assert.ok(Math.abs((await value('process_start_time_seconds')) - started) <= 2);
  const { user, system } = process.cpuUsage();
  assert.ok(Math.abs((await value('process_cpu_seconds_total')) - (user + system) / 1e6) < 1);
});

test('an open socket is an open file', { skip: process.platform !== 'linux' }, async (t) => {
  const { value } = watch(t);
  const before = await value('process_open_fds');
  const servers = Array.from({ length: 20 }, () => createServer().listen(0));
  t.after(() => servers.forEach((server) => void server.close()));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  // What the test runner opens meanwhile counts as well.
  const opened = (await value('process_open_fds')) - before;
  assert.ok(opened >= 20 && opened < 40, `${opened} more`);
  assert.ok((await value('process_max_fds')) >= before);
});

test('a blocked event loop is seen by the next scrape, and by that one alone', async (t) => {
  const { value } = watch(t);
  await turns(50);
  const until = performance.now() + 700;
  while (performance.now() < until);
  await turns(30);
  const blocked = await value('nodejs_eventloop_lag_max_seconds');
  assert.ok(blocked > 0.6);
  await turns(50);
  const after = await value('nodejs_eventloop_lag_max_seconds');
  assert.ok(after < blocked, `${after} s`);
});

test('a garbage collection is timed by its kind', async (t) => {
  const { metrics } = watch(t);
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  // Node reports it a turn later.
  await turns(20);
  const family = (await metrics.snapshot()).find(({ name }) => name === 'nodejs_gc_duration_seconds');
  const points = (family?.points ?? []) as HistogramPoint[];
  assert.deepEqual(points.map(({ labels }) => labels.kind).sort(), ['incremental', 'major', 'minor', 'weakcb']);
  const major = points.find(({ labels }) => labels.kind === 'major');
  assert.ok(major !== undefined && major.count > 0 && major.sum > 0 && major.sum < 5, JSON.stringify(major));
});

test('handles are counted by type', async (t) => {
  const { metrics, value } = watch(t);
  const servers = Array.from({ length: 5 }, () => createServer().listen(0));
  t.after(() => servers.forEach((server) => void server.close()));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const points = (await metrics.snapshot()).find(({ name }) => name === 'nodejs_active_handles')?.points ?? [];
  const server = (points as NumberPoint[]).find(({ labels }) => labels.type === 'Server');
  assert.ok(server !== undefined && server.value >= 5);
  assert.ok((await value('nodejs_active_handles_total')) >= server.value);
});

test('/metrics has them beside the metrics of the gateway', async (t) => {
  const gateway = await createGateway({ logger: 'silent', config: { ...MEMORY, admin: { port: 0 } } });
  t.after(() => gateway.stop());
  await gateway.start();
  await turns(30);
  const text = await (await fetch(`http://127.0.0.1:${gateway.ports().admin}/metrics`)).text();
  for (const name of NAMES.filter((one) => one.startsWith('nodejs_') || one.startsWith('process_cpu'))) {
    const { kind, help } = PROCESS_METRICS[name];
    assert.ok(text.includes(`# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${name}`), name);
  }
  assert.match(text, /^process_cpu_seconds_total \d/m);
  assert.match(text, /^tidegate_info\{/m);
});
