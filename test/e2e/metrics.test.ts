import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { TestClient } from '../helpers/client.ts';
import { type Family, parseExposition, type Sample } from '../helpers/exposition.ts';
import { type GatewayProcess, startGateway, until } from '../helpers/gateway-process.ts';
import { TopicsClient } from '../helpers/topics-client.ts';

test('/metrics reports traffic in both formats, with exemplars that are traces', async (t) => {
  const gateway = await startGateway(t, { config: 'test/fixtures/metrics.yaml' });
  await gateway.ready();
  const url = `ws://127.0.0.1:${gateway.port}`;
  const [sender, receiver] = [await TestClient.open(`${url}/ws`), await TestClient.open(`${url}/ws`)];
  await TestClient.open(`${url}/rooms`);
  const reader = await TopicsClient.open(gateway.port, '/topics');
  const subscribed = await reader.topic('subscribe', { t: ['messages'], consumer_group: 'readers', from: 'earliest' });
  assert.equal(subscribed.s, 0, JSON.stringify(subscribed));
  const traces = [1, 2, 3].map(() => randomBytes(16).toString('hex'));
  for (const id of traces) sender.send('follow me', { traceparent: `00-${id}-${randomBytes(8).toString('hex')}-01` });
  await receiver.until(() => receiver.of('USER').length === 3);
  await reader.receives(3);
  await refused(`${url}/nowhere`, 404);
  await refused(`${url}/rooms`, 503);
  await requests(gateway.port);

  const text = await scrape(gateway, '*/*', 'text/plain; version=0.0.4; charset=utf-8');
  const families = parseExposition(text, 'text');
  const value = (name: string, labels: Readonly<Record<string, string>>) => find(families, name, labels)?.value;
  const counted = { endpoint: 'messages' };
  const inTurns = value('tidegate_delivery_seconds_count', counted) ?? 0;
  assert.ok(inTurns >= 1 && inTurns <= 3, `${inTurns} writes`);
  assert.ok((value('tidegate_delivery_seconds_sum', counted) ?? Number.NaN) < 60);
  assert.ok((value('tidegate_delivery_seconds_count', { endpoint: 'topics' }) ?? 0) > 0);
  assert.equal(value('tidegate_handshake_seconds_count', { ...counted, result: 'accepted' }), 2);
  assert.equal(value('tidegate_handshake_seconds_count', { ...counted, result: 'refused' }), 0);
  assert.equal(value('tidegate_handshake_seconds_count', { endpoint: 'rooms', result: 'accepted' }), 1);
  assert.equal(value('tidegate_handshake_seconds_count', { endpoint: 'rooms', result: 'refused' }), 1);
  assert.ok((value('tidegate_handshake_seconds_sum', { endpoint: 'rooms', result: 'accepted' }) ?? 0) > 0);
  assert.equal(value('tidegate_handshake_seconds_count', { endpoint: '-', result: 'refused' }), 1);
  assert.equal(value('tidegate_connections_refused_total', { endpoint: '-', reason: 'not_found' }), 3);
  assert.equal(value('tidegate_pipeline_gate_closed_seconds_total', { pipeline: 'messages-in' }), 0);
  assert.equal(value('tidegate_group_consumers', {}), 1);
  assert.equal(value('tidegate_log_up', { driver: 'embedded' }), 1);
  assert.equal(value('tidegate_records_consumed_total', { topic: 'audit' }), 0);
  assert.equal(typeof value('tidegate_commits_total', { group: 'readers' }), 'number');
  assert.equal(value('tidegate_connect_requests_total', { code: '200', forwarded: 'false' }), 0);
  for (const group of ['auditors', 'readers'])
    for (const partition of ['0', '1'])
      assert.equal(typeof value('tidegate_consumer_lag', { group, topic: 'messages', partition }), 'number', group);
  const http = (route: string, method: string, status: number) =>
    value('http_requests_total', { port: 'public', route, method, status: String(status) });
  assert.equal(http('/health', 'GET', 200), 2);
  assert.equal(http('/health', 'POST', 405), 1);
  assert.equal(http('page', 'GET', 200), 1);
  assert.equal(http('page', 'GET', 308), 1);
  assert.equal(http('other', 'GET', 404), 1);
  assert.equal(http('other', 'GET', 426), 1);
  assert.equal(http('other', 'other', 404), 1);
  assert.equal(value('http_response_time_seconds_count', { port: 'public', route: 'other' }), 3);
  assert.ok((value('http_requests_total', { port: 'admin', route: '/ready', method: 'GET', status: '200' }) ?? 0) >= 1);

  const accept = 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
  const open = await scrape(gateway, accept, 'application/openmetrics-text; version=1.0.0; charset=utf-8');
  const openFamilies = parseExposition(open, 'openmetrics');
  // The same series in both, but for what has happened between the two.
  assert.deepEqual(
    seriesOf(families).filter((one) => !seriesOf(openFamilies).includes(one)),
    [],
  );
  for (const name of ['tidegate_delivery_seconds', 'tidegate_pipeline_latency_seconds', 'tidegate_lane_send_seconds']) {
    const samples = openFamilies.find((family) => family.name === name)?.samples ?? [];
    const exemplars = samples.flatMap(({ exemplar }) => exemplar ?? []);
    assert.ok(exemplars.length > 0, `${name} has no exemplar`);
    for (const { labels } of exemplars) assert.ok(traces.includes(labels.trace_id ?? ''), `${name} ${labels.trace_id}`);
  }

  // What was in the log before a gateway started does not count as delivered late.
  await gateway.stop();
  const second = await startGateway(t, { config: 'test/fixtures/metrics.yaml', dataDir: gateway.dataDir });
  await second.ready();
  const newcomer = await TopicsClient.open(second.port, '/topics');
  await newcomer.topic('subscribe', { t: ['messages'], consumer_group: 'newcomers', from: 'earliest' });
  await newcomer.receives(3);
  const later = parseExposition((await second.get('/metrics')).body, 'text');
  for (const endpoint of ['messages', 'topics'])
    assert.equal(find(later, 'tidegate_delivery_seconds_count', { endpoint })?.value, 0, endpoint);
});

async function scrape(gateway: GatewayProcess, accept: string, type: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${gateway.adminPort}/metrics`, { headers: { accept } });
  assert.equal(response.headers.get('content-type'), type);
  return await response.text();
}

/** A handshake that gets that status. */
async function refused(url: string, wanted: number): Promise<void> {
  const ws = new WebSocket(url);
  let status: number | undefined;
  ws.on('unexpected-response', (_, response) => {
    status = response.statusCode;
  });
  ws.on('error', () => {});
  await until(
    () => status === wanted,
    10_000,
    () => `it got ${status}`,
  );
}

async function requests(port: number): Promise<void> {
  const ask = async (path: string, method = 'GET') =>
    (await fetch(`http://127.0.0.1:${port}${path}`, { method, redirect: 'manual' })).arrayBuffer();
  await ask('/health?probe=1');
  await ask('/health/');
  await ask('/health', 'POST');
  await ask('/page/');
  await ask('/page');
  await ask('/anything-else');
  await ask('/ws');
  await ask('/again', 'PROPFIND');
}

function find(families: readonly Family[], name: string, labels: Readonly<Record<string, string>>): Sample | undefined {
  const all = families.flatMap(({ samples }) => samples);
  return all.find((one) => one.name === name && keyOf(one) === keyOf({ name, labels }));
}

function seriesOf(families: readonly Family[]): string[] {
  return families.flatMap(({ samples }) => samples.map(keyOf)).filter((one) => !one.startsWith('nodejs_'));
}

function keyOf({ name, labels }: Pick<Sample, 'name' | 'labels'>): string {
  return `${name} ${JSON.stringify(Object.entries(labels).sort())}`;
}
