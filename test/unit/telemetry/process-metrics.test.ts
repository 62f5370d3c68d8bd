import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { createGateway } from '../../../src/index.ts';
import { PROCESS_METRICS, type ProcessMetricName, ProcessMetrics } from '../../../src/telemetry/process-metrics.ts';
import { MEMORY } from '../embedding/rig.ts';

const NAMES = Object.keys(PROCESS_METRICS) as ProcessMetricName[];
const turns = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A watch over this process that ends with the test. */
function watch(t: { after(end: () => void): void }) {
  const metrics = new ProcessMetrics();
  t.after(() => metrics.stop());
  const value = async (name: ProcessMetricName) => {
    const points = (await metrics.snapshot()).get(name);
    assert.equal(points?.length, 1, name);
    return points?.[0]?.value ?? Number.NaN;
  };
  return { metrics, value };
}

test('every metric of the list is there, with the labels of the list', async (t) => {
  const { metrics } = watch(t);
  await turns(50);
  const snapshot = await metrics.snapshot();
  assert.deepEqual(
    [...snapshot.keys()].sort(),
    process.platform === 'linux' ? [...NAMES].sort() : [...snapshot.keys()],
  );
  for (const [name, points] of snapshot) {
    const entry = PROCESS_METRICS[name];
    const labels: readonly string[] = 'labels' in entry ? entry.labels : [];
    assert.ok(points.length > 0, name);
    for (const point of points) {
      assert.ok(Number.isFinite(point.value), name);
      assert.deepEqual(Object.keys(point.labels), labels, name);
    }
  }
});

test('the figures are those of this process', async (t) => {
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
  const server = createServer().listen(0);
  await new Promise((resolve) => server.once('listening', resolve));
  assert.equal(await value('process_open_fds'), before + 1);
  server.close();
  assert.ok((await value('process_max_fds')) >= before);
});

test('a blocked event loop is seen by the next scrape, and by that one alone', async (t) => {
  const { value } = watch(t);
  await turns(50);
  const until = performance.now() + 700;
  while (performance.now() < until);
  await turns(30);
  assert.ok((await value('nodejs_eventloop_lag_max_seconds')) > 0.6);
  await turns(50);
  assert.ok((await value('nodejs_eventloop_lag_max_seconds')) < 0.6);
});

test('/metrics has them beside the figures of the gateway', async (t) => {
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
