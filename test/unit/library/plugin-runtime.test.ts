// Own process: its plugin keeps what it was given in its module.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../../../src/config/index.ts';
import { Gateway } from '../../../src/gateway/gateway.ts';
import { createPipelines } from '../../../src/gateway/pipelines.ts';
import {
  type ConfigObject,
  type Gateway as ProgramGateway,
  TidegateError,
  type TopicRecord,
} from '../../../src/index.ts';
import { Simulation } from '../../../src/testing/index.ts';
import { until } from '../../helpers/gateway-process.ts';
import { keptLogger } from '../actors/rig.ts';
import { gatewayOf, MEMORY, ready } from './rig.ts';
import probe, { probed } from './runtime-plugin.ts';

const PLUGIN = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? 'runtime-plugin.ts' : 'runtime-plugin.js', import.meta.url),
);

function configured(more: ConfigObject = {}, timeout = '30s'): ConfigObject {
  return {
    ...MEMORY,
    plugins: [PLUGIN],
    log: { ...MEMORY.log, topics: { in: { partitions: 1 }, out: { partitions: 1 }, 'in.dlt': { partitions: 1 } } },
    pipelines: {
      probed: {
        source: { topic: { names: ['in'], group: 'probed', from: 'earliest' } },
        processors: [{ [probe.name]: {}, timeout } as never],
        sink: { topic: { name: 'out' } },
        on_error: { dead_letter: 'in.dlt' },
      },
    },
    ...more,
  };
}

/** A gateway with the processor, and what comes out of it. */
async function running(
  t: TestContext,
  config: ConfigObject,
): Promise<{ gateway: ProgramGateway; read: (topic: string) => TopicRecord[] }> {
  const gateway = await gatewayOf(t, config);
  const records = new Map<string, TopicRecord[]>();
  for (const topic of ['out', 'in.dlt']) {
    const kept: TopicRecord[] = [];
    records.set(topic, kept);
    gateway.topic(topic).records$.subscribe((record) => kept.push(record));
  }
  await ready(gateway);
  return { gateway, read: (topic) => records.get(topic) ?? [] };
}

const reached = (isReached: () => boolean) => until(isReached, 10_000, () => 'it did not come to that');

test('a processor that never ends is cut, and whatever it does later settles nothing', async (t) => {
  const { gateway, read } = await running(t, configured({}, '50ms'));
  probed.hanging.length = 0;
  await gateway.topic('in').publish({ value: 'hang' });
  await reached(() => probed.hanging.length === 1);
  const [late] = probed.hanging;
  assert.ok(late !== undefined);
  // The first thing that it can do: its dead letter is not written yet.
  late.signal.addEventListener('abort', () => {
    late.message.ack();
    late.message.split([]);
    late.message.derive({ json: 'late' }).ack();
  });
  await reached(() => read('in.dlt').length === 1);
  late.message.ack();
  late.message.nack(new TidegateError('TG_PROCESSOR_FAILED', 'late'));
  late.resolve(late.message.derive({ json: 'late' }));
  await gateway.topic('in').publish({ value: 'next' });
  await reached(() => read('out').length === 1);
  assert.deepEqual(
    read('out').map(({ value }) => String(value)),
    ['next'],
  );
  const [letter, ...more] = read('in.dlt');
  assert.deepEqual([String(letter?.value), more.length], ['hang', 0]);
  const [, code] = letter?.headers.find(([name]) => name === 'tidegate-error-code') ?? [];
  assert.equal(String(code), 'TG_PROCESSOR_TIMEOUT');
});

test('the signal of a component aborts when its gateway stops, and not before', async (t) => {
  const { gateway } = await running(t, configured());
  const context = probed.contexts.at(-1);
  assert.equal(context?.signal.aborted, false);
  await gateway.stop();
  assert.equal(context?.signal.aborted, true);
});

test('the signal of a component aborts when its pipeline is replaced, and that of its successor does not', async (t) => {
  const { config } = await loadConfig({ text: JSON.stringify(configured()), name: 'test' });
  const gateway = await Gateway.create({ ...config, pipelines: {} }, { logger: keptLogger().logger, servers: {} });
  t.after(() => gateway.stop());
  await gateway.start();
  await gateway.ready();
  const { probed: settings } = config.pipelines;
  assert.ok(settings !== undefined);
  const pipelines = createPipelines(gateway.context, new Map());
  t.after(() => pipelines.close());
  const opened = probed.loaded.length;
  pipelines.apply({ probed: settings });
  pipelines.start();
  await reached(() => probed.loaded.length > opened);
  const before = probed.contexts.at(-1);
  pipelines.apply({ probed: settings });
  assert.equal(before?.signal.aborted, false);
  pipelines.apply({ probed: { ...settings } });
  await reached(() => probed.contexts.at(-1) !== before);
  assert.deepEqual([before?.signal.aborted, probed.contexts.at(-1)?.signal.aborted], [true, false]);
  pipelines.apply({});
  await reached(() => probed.contexts.at(-1)?.signal.aborted === true);
});

test('a span is begun for messages that are sampled, within their trace, and is nothing for others', async (t) => {
  let exported = '';
  const server = createServer((request, response) => {
    request.on('data', (data: Buffer) => {
      exported += data.toString('latin1');
    });
    request.on('end', () => response.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`;
  const { gateway, read } = await running(t, configured({ tracing: { exporter: 'otlp', endpoint, sample: 0 } }));
  probed.headers.length = 0;
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
  for (const flags of ['00', '01'])
    await gateway
      .topic('in')
      .publish({ value: 'ask', headers: { traceparent: `00-${trace}-00f067aa0ba902b7-${flags}` } });
  await reached(() => read('out').length === 2);
  assert.deepEqual(probed.headers[0], {});
  assert.match(probed.headers[1]?.traceparent ?? '', new RegExp(`^00-${trace}-(?!00f067aa0ba902b7)[0-9a-f]{16}-01$`));
  await gateway.stop();
  assert.equal(exported.split('ask for stock').length, 2, 'one span is exported');
});

test('state outlives a crash, and a value that is too large fails its message', async () => {
  const simulation = await Simulation.start(configured());
  assert.equal(probed.loaded.at(-1), undefined);
  const [saved, refused] = simulation.feed('probed', [{ text: 'save newest' }, { text: `save ${'x'.repeat(66_000)}` }]);
  await simulation.quiet();
  assert.deepEqual([saved?.outcome, refused?.outcome], ['stored', 'dead_letter']);
  const [letter] = simulation.output().get('in.dlt') ?? [];
  assert.match(letter?.headers['tidegate-error-message'] ?? '', /more than 65536 bytes/);
  await simulation.crash();
  assert.equal(probed.loaded.at(-1), 'newest');
  await simulation.stop();
});

test('in a simulation a processor that never ends is cut by the clock of the test', async () => {
  const simulation = await Simulation.start(configured());
  const [hanging, next] = simulation.feed('probed', [{ text: 'hang' }, { text: 'next' }]);
  await simulation.quiet();
  assert.deepEqual([hanging?.outcome, next?.outcome], ['pending', 'pending']);
  await simulation.advance(29_000);
  assert.equal(hanging?.outcome, 'pending');
  await simulation.advance(1_000);
  assert.deepEqual([hanging?.outcome, next?.outcome, hanging?.settledTimes], ['dead_letter', 'stored', 1]);
  const [letter] = simulation.output().get('in.dlt') ?? [];
  assert.equal(letter?.headers['tidegate-error-code'], 'TG_PROCESSOR_TIMEOUT');
  await simulation.stop();
});
