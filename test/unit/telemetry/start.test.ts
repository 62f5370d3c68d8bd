import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { trace } from '@opentelemetry/api';
import { systemClock } from '../../../src/core/clock.ts';
import { Message } from '../../../src/core/message.ts';
import type { Logger } from '../../../src/telemetry/logger.ts';
import { startTelemetry } from '../../../src/telemetry/start.ts';
import type { TracingOptions } from '../../../src/telemetry/start-options.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { NO_TRACING } from '../../../src/telemetry/tracing.ts';
import { parseExposition } from '../../helpers/exposition.ts';

interface Line {
  readonly level: string;
  readonly facts: object;
  readonly message: string;
}

/** Milliseconds after which exporters would give up by themselves. */
const GIVEN_UP = 8_000;

function setUp(tracing: Partial<TracingOptions>) {
  const lines: Line[] = [];
  const waiting: (() => void)[] = [];
  const log = (level: string) => (facts: object, message: string) => {
    lines.push({ level, facts, message });
    for (const wake of waiting.splice(0)) wake();
  };
  const logger: Logger = {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    child: () => logger,
  };
  const stats = createStats();
  const options = {
    tracing: { exporter: 'none', endpoint: '', sample: 1, maxPerSecond: 100, ...tracing } as const,
    service: { name: 'tidegate', version: '1.2.3', instance: 'gateway-1' },
    stats,
    logger,
    clock: systemClock,
  };
  /** Resolves once so many lines of that level are there. */
  const logged = async (level: string, count: number) => {
    while (lines.filter((line) => line.level === level).length < count) {
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
  return { options, stats, lines, logged };
}

/** A collector that answers as told; resolves with its URL. */
async function collector(t: TestContext, answer: (() => number) | 'never'): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    if (answer !== 'never') request.on('end', () => response.writeHead(answer()).end());
  });
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

test('without an exporter or an endpoint tracing is off and nothing of the process is touched', async () => {
  for (const tracing of [{ exporter: 'none', endpoint: 'http://localhost:1' }, { exporter: 'jaeger' }] as const) {
    const telemetry = await startTelemetry(setUp(tracing).options);
    assert.equal(telemetry.tracing, NO_TRACING);
    assert.equal(trace.getTracer('test').startSpan('none').isRecording(), false);
    await telemetry.stop();
  }
});

test('a scrape gives counters, gauges and cumulative histograms as Prometheus text', async (t) => {
  const { options, stats } = setUp({});
  const telemetry = await startTelemetry(options);
  t.after(() => telemetry.stop());
  stats.counter('tidegate_frames_received_total', { endpoint: 'rooms "a"\\b' }).value = 3;
  stats.gauge('tidegate_connections', { endpoint: 'rooms' }, () => 2);
  const histogram = stats.histogram('tidegate_pipeline_batch_messages', { pipeline: 'p' });
  for (const value of [1, 3, 2_000]) histogram.record(value);

  const server = createServer(telemetry.metrics);
  t.after(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`);
  const text = await response.text();
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  const lines = text.split('\n');
  for (const line of [
    '# HELP tidegate_frames_received_total Data frames read from clients.',
    '# TYPE tidegate_frames_received_total counter',
    'tidegate_frames_received_total{endpoint="rooms \\"a\\"\\\\b"} 3',
    '# TYPE tidegate_connections gauge',
    'tidegate_connections{endpoint="rooms"} 2',
    '# TYPE tidegate_pipeline_batch_messages histogram',
    'tidegate_pipeline_batch_messages_count{pipeline="p"} 3',
    'tidegate_pipeline_batch_messages_sum{pipeline="p"} 2004',
    'tidegate_pipeline_batch_messages_bucket{pipeline="p",le="1"} 1',
    'tidegate_pipeline_batch_messages_bucket{pipeline="p",le="4"} 2',
    'tidegate_pipeline_batch_messages_bucket{pipeline="p",le="1024"} 2',
    'tidegate_pipeline_batch_messages_bucket{pipeline="p",le="+Inf"} 3',
  ]) {
    assert.ok(lines.includes(line), `${line}\nis missing in\n${text}`);
  }
  assert.match(text, /target_info\{.*service_name="tidegate".*\} 1/);
  parseExposition(text, 'text');

  const openMetrics = await fetch(response.url, { headers: { accept: 'application/openmetrics-text' } });
  const type = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
  assert.deepEqual([openMetrics.headers.get('content-type'), openMetrics.headers.get('vary')], [type, 'accept']);
  const families = parseExposition(await openMetrics.text(), 'openmetrics');
  const received = families.find(({ name }) => name === 'tidegate_frames_received');
  assert.equal(received?.samples[0]?.value, 3);
});

test('a collector that refuses costs one warning however many batches fail, and stopping stays quick', async (t) => {
  const endpoint = await collector(t, () => 503);
  const { options, lines, logged } = setUp({ exporter: 'jaeger', endpoint });
  const telemetry = await startTelemetry(options);
  const message = () => new Message(Buffer.from('{}'));
  telemetry.tracing.received(message(), 'rooms', 'c', undefined);
  await logged('warn', 1);
  telemetry.tracing.received(message(), 'rooms', 'c', undefined);
  const before = Date.now();
  await telemetry.stop();
  assert.ok(Date.now() - before < GIVEN_UP);
  assert.deepEqual(
    lines.filter(({ level }) => level !== 'debug').map(({ level }) => level),
    ['warn'],
  );
});

test('a collector that is not there costs one warning that names it', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/traces`;
  await new Promise((resolve) => server.close(resolve));
  const { options, lines } = setUp({ exporter: 'jaeger', endpoint });
  const telemetry = await startTelemetry(options);
  telemetry.tracing.received(new Message(Buffer.from('{}')), 'rooms', 'c', undefined);
  await telemetry.stop();
  const [warning, ...others] = lines.filter(({ level }) => level === 'warn');
  assert.deepEqual(others, []);
  assert.ok(JSON.stringify(warning?.facts).includes(endpoint));
  assert.match(JSON.stringify(warning?.facts), /ECONNREFUSED/);
});

for (const exporter of ['jaeger', 'otlp'] as const) {
  test(`a collector that never answers ${exporter} does not hold up the stop`, async (t) => {
    const endpoint = await collector(t, 'never');
    const { options, lines } = setUp({ exporter, endpoint });
    const telemetry = await startTelemetry(options);
    telemetry.tracing.received(new Message(Buffer.from('{}')), 'rooms', 'c', undefined);
    const before = Date.now();
    await telemetry.stop();
    assert.ok(Date.now() - before < GIVEN_UP);
    assert.equal(lines.filter(({ level }) => level === 'warn').length, 1);
  });
}

test('tracing can be started again after a stop', async (t) => {
  let requests = 0;
  const endpoint = await collector(t, () => {
    requests += 1;
    return 202;
  });
  for (const round of [1, 2]) {
    const telemetry = await startTelemetry(setUp({ exporter: 'jaeger', endpoint }).options);
    telemetry.tracing.received(new Message(Buffer.from('{}')), 'rooms', 'c', undefined);
    await telemetry.stop();
    assert.equal(requests, round);
  }
});
