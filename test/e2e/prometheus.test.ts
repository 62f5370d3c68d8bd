import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { createGateway } from '../../src/index.ts';
import { TestClient } from '../helpers/client.ts';
import { ConnectApi } from '../helpers/connect-gateway.ts';
import { FeedServer } from '../helpers/feed-server.ts';
import { until } from '../helpers/gateway-process.ts';
import { dashboardQueries, runbookQueries } from '../helpers/metric-queries.ts';
import { RoomClient } from '../helpers/room-client.ts';
import { TopicsClient } from '../helpers/topics-client.ts';

/* What Prometheus's own tool says of our metrics and rules: PROMTOOL_BIN, or promtool on the PATH. Else they are skipped. */

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../' : '../../', import.meta.url));
const FOLDER = join(ROOT, 'observability/prometheus');
const PROMTOOL = process.env.PROMTOOL_BIN ?? 'promtool';

const there = await promtool(['--version']).then(
  ({ code }) => code === 0,
  () => false,
);

suite('promtool', { skip: there ? false : `there is no ${PROMTOOL}; set PROMTOOL_BIN` }, () => {
  test('finds no fault in the rules and in the configuration', async () => {
    await passes(['check', 'rules', '--lint=all', '--lint-fatal', join(FOLDER, 'alerts.yml')]);
    await passes(['check', 'config', '--lint=all', '--lint-fatal', join(FOLDER, 'prometheus.yml')]);
  });

  test('runs the examples of the alerts: each fires where it should, and only there', async () => {
    await passes(['test', 'rules', join(FOLDER, 'alerts.test.yml')]);
  });

  test('can parse every query of the dashboard and of the runbooks', async (t) => {
    const rules = [...dashboardQueries(), ...runbookQueries()].map(({ expr }, index) => ({
      record: `query:${index}`,
      expr: expr.replaceAll('$__rate_interval', '1m'),
    }));
    assert.ok(rules.length > 90);
    const folder = mkdtempSync(join(tmpdir(), 'promtool-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'dashboard.yml');
    writeFileSync(file, stringify({ groups: [{ name: 'dashboard', rules }] }));
    await passes(['check', 'rules', '--lint=none', file]);
  });

  test('finds no fault in /metrics of a gateway whose every part is at work', async (t) => {
    const { text } = await scrapeBusyGateway(t);
    for (const part of [
      ...['connections', 'handshake_seconds', 'delivery_seconds', 'answers_total', 'presence_members'],
      ...['pipeline_sent_total', 'pipeline_gate_closed_seconds_total', 'lane_records_total', 'consumer_lag'],
      ...['group_consumers', 'remote_live', 'connect_running', 'connect_requests_total', 'memory_held_bytes'],
    ])
      assert.match(text, new RegExp(`^tidegate_${part}(_count)?[{ ]`, 'm'), part);
    assert.match(text, /^http_requests_total\{port="connect",route="\/connectors",method="POST",status="201"\} 1$/m);
    const { code, output } = await promtool(['check', 'metrics'], text);
    assert.deepEqual({ code, output }, { code: 0, output: '' });
  });
});

/** Clients, pipelines, a group, a room, a feed and a connector, with some traffic through each. */
async function scrapeBusyGateway(t: TestContext): Promise<{ text: string }> {
  const feed = await FeedServer.start(t, { greet: ({ ws }) => void ws.send('{"price":1}') });
  const gateway = await createGateway({
    logger: 'silent',
    config: {
      log: { driver: 'embedded', embedded: { memory: true }, topics: { orders: { partitions: 2 } } },
      admin: { port: 0 },
      connect: { port: 0 },
      listeners: { public: { port: 0 }, topics: { port: 0 } },
      endpoints: {
        messages: { listener: 'public', path: '/ws', codec: 'envelope' },
        rooms: { listener: 'public', path: '/', codec: 'rooms', presence: { topic: 'lobby' } },
        topics: {
          listener: 'topics',
          path: '*',
          codec: 'topics',
          allow: { create: '*', read: '*', write: '*', groups: '*' },
        },
      },
      pipelines: {
        in: { source: { endpoint: 'messages' }, sink: { topic: { name: 'orders' } } },
        out: { source: { topic: { names: ['orders'] } }, sink: { endpoint: 'messages' } },
        'rooms-in': { source: { endpoint: 'rooms' }, sink: { topic: { name: 'lobby' } } },
        'rooms-out': { source: { topic: { names: ['lobby'] } }, sink: { endpoint: 'rooms' } },
        copies: { source: { topic: { names: ['orders'], group: 'copies' } }, sink: { topic: { name: 'copies' } } },
        feed: { source: { websocket_client: { url: feed.url } }, sink: { topic: { name: 'ticks' } } },
      },
      shutdown: { jitter: '0s' },
    },
  });
  t.after(() => gateway.stop());
  await gateway.start();
  await until(
    () => gateway.inspect().ready,
    20_000,
    () => gateway.inspect().reasons.join(', '),
  );
  const ports = gateway.ports();
  const publicUrl = `ws://127.0.0.1:${ports.listeners.public}`;
  const client = await TestClient.open(`${publicUrl}/ws`);
  client.send('hello', { id: 1 });
  await client.until(() => client.of('ACK').length === 1 && client.of('USER').length === 1);
  await RoomClient.join(`${publicUrl}/`);
  const topics = await TopicsClient.open(ports.listeners.topics ?? 0);
  await topics.topic('subscribe', { t: 'orders', consumer_group: 'readers', from: 'earliest' });
  await topics.receives(1);
  const api = new ConnectApi(`http://127.0.0.1:${ports.connect}`);
  await api.until('/health', ({ status }) => status === 200);
  await api.call('POST', '/connectors', {
    name: 'prices',
    config: {
      'connector.class': 'io.conduktor.connect.websocket.WebSocketSourceConnector',
      'websocket.url': feed.url,
      'kafka.topic': 'prices',
    },
  });
  await api.state('prices', 'RUNNING');
  const scrape = async () => (await fetch(`http://127.0.0.1:${ports.admin}/metrics`)).text();
  let text = '';
  await until(
    async () => {
      text = await scrape();
      return text.includes('tidegate_consumer_lag{');
    },
    20_000,
    () => text,
  );
  return { text };
}

async function passes(args: string[]): Promise<void> {
  const { code, output } = await promtool(args);
  assert.equal(code, 0, output);
}

async function promtool(args: string[], input = ''): Promise<{ code: number; output: string }> {
  const child = spawn(PROMTOOL, args, { stdio: 'pipe' });
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk));
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number];
  return { code, output: Buffer.concat(output).toString() };
}
