import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { createGateway } from '../../src/index.ts';
import { METRICS, type MetricName } from '../../src/telemetry/catalog.ts';
import { Authority } from '../helpers/certificates.ts';
import { alertQueries, alerts, dashboard, dashboardQueries, mistakes } from '../helpers/metric-queries.ts';
import { readPromql } from '../helpers/promql.ts';

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../' : '../../', import.meta.url));

test('alerts and dashboard ask for metrics and labels that there are', () => {
  const asked = [...alertQueries(), ...dashboardQueries()];
  assert.ok(asked.length > 100);
  assert.deepEqual(asked.flatMap(mistakes), []);
});

test('a query with a metric or a label that there is not is found', () => {
  const query = (expr: string, text = '') => mistakes({ place: 'p', expr, text });
  assert.deepEqual(query('tidegate_log_up == 0', '{{ $labels.driver }}'), []);
  assert.deepEqual(query('up{job="tidegate"} == 0', '{{instance}}'), []);
  assert.deepEqual(query('nodejs_active_resources{job="tidegate",type="TCP"} > 9'), []);
  assert.deepEqual(query('sum(rate(http_requests_total{port="public"}[5m]))'), [
    'p: other programs have http_requests_total, too: ask for job="tidegate"',
  ]);
  assert.deepEqual(query('tidegate_log_down == 0'), ['p: there is no metric tidegate_log_down']);
  assert.deepEqual(query('sum by (topic) (rate(tidegate_lane_retries_total{room!~"a"}[5m]))'), [
    'p: tidegate_lane_retries_total has no label room',
  ]);
  assert.deepEqual(query('sum by (instance, room) (rate(tidegate_lane_retries_total[5m])) > 1 or tidegate_log_up'), [
    'p: tidegate_lane_retries_total has no label room',
  ]);
  assert.deepEqual(query('tidegate_log_up', '{{topic}}'), ['p: no metric of it has the label topic']);
});

test('a query that takes a metric for one of another kind is found', () => {
  const query = (expr: string) => mistakes({ place: 'p', expr, text: '' });
  assert.deepEqual(query('rate(tidegate_log_up_bucket[5m])'), ['p: there is no metric tidegate_log_up_bucket']);
  assert.deepEqual(query('rate(tidegate_log_up[5m])'), ['p: tidegate_log_up is a gauge and has no rate']);
  assert.deepEqual(query('sum(tidegate_lane_records_total)'), [
    'p: tidegate_lane_records_total is a counter without a rate',
  ]);
  assert.deepEqual(query('histogram_quantile(0.5, sum by (topic, le) (rate(tidegate_lane_send_seconds[5m])))'), [
    'p: tidegate_lane_send_seconds is a histogram: ask for its _bucket, _sum or _count',
    'p: tidegate_lane_send_seconds has no label le',
  ]);
  assert.deepEqual(query('histogram_quantile(0.5, sum by (topic) (rate(tidegate_lane_send_seconds_bucket[5m])))'), [
    'p: a quantile needs the label le',
  ]);
  assert.throws(() => query('sum by (topic) (rate(tidegate_lane_records_total[5m])'), /is not closed/);
});

test('the dashboard has a row for each part of the gateway, and no panel covers another', () => {
  const { panels, templating } = dashboard();
  const rows = panels.filter(({ type }) => type === 'row').map(({ title }) => title);
  assert.deepEqual(rows, [
    ...['At a glance', 'Clients', 'Rooms', 'Channels', 'Pipelines', 'Operators with state', 'Log', 'Groups', 'Feeds'],
    ...['Connectors', 'Memory and process', 'HTTP', 'Security'],
  ]);
  const places = panels.map(({ title, gridPos: { x, y, w, h } }) => ({ title, x, y, right: x + w, below: y + h }));
  const pairs = places.flatMap((a, index) => places.slice(index + 1).map((b) => [a, b] as const));
  const covered = pairs.filter(([a, b]) => a.x < b.right && b.x < a.right && a.y < b.below && b.y < a.below);
  assert.deepEqual(covered, []);
  assert.ok(places.every(({ right }) => right <= 24));
  assert.deepEqual(
    templating.list.map(({ name }) => name),
    ['instance', 'endpoint', 'pipeline'],
  );
});

test('the dashboard shows each gauge and counter of rooms and channels', () => {
  const asked = dashboardQueries().map(({ expr }) => expr);
  const ofReaders = ['tidegate_channel_recovery_passes_total', 'tidegate_channel_recovery_records_total'];
  const missing = Object.keys(METRICS)
    .filter((name) => /^tidegate_(channel|presence)/.test(name) && !ofReaders.includes(name))
    .filter((name) => !asked.some((expr) => expr.includes(name)));
  assert.deepEqual(missing, ['tidegate_channel_history_channels']);
});

test('each query of the dashboard follows the variables that its metrics have labels for', () => {
  const deaf = dashboardQueries()
    .filter(({ place, expr }) => !place.startsWith('$') && !expr.includes('ALERTS'))
    .flatMap(({ place, expr }) =>
      readPromql(expr).selectors.flatMap(({ name, matched }) => {
        const labels: readonly string[] = METRICS[name.replace(/_(bucket|sum|count)$/, '') as MetricName]?.labels ?? [];
        const followed = ['instance', ...['endpoint', 'pipeline'].filter((one) => labels.includes(one))];
        return followed.filter((one) => !matched.includes(one)).map((one) => `${place}: ${name} of every ${one}`);
      }),
    );
  assert.deepEqual(deaf, []);
});

test('every metric that the guide calls worth an alert has one', () => {
  const guide = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');
  const [, section = ''] = guide.split('## Metrics worth an alert');
  const named = [...(section.split('\n## ')[0] ?? '').matchAll(/`(tidegate_[a-z_]+)/g)].map(([, name = '']) => name);
  const watched = alerts().map(({ expr }) => expr);
  const missing = named.filter((name) => !watched.some((expr) => expr.includes(name)));
  assert.deepEqual(missing, []);
});

test('counters that alerts and dashboard ask for are there from the start, so that a first step is seen', async (t) => {
  const { cert, key } = new Authority(t).issue({ name: 'localhost' });
  const gateway = await createGateway({
    logger: 'silent',
    config: {
      log: { driver: 'embedded', embedded: { memory: true }, topics: { listed: { partitions: 1 } } },
      auth: { users: { jwt: { secret: 'a text of 32 bytes or more, for trials', algorithms: ['HS256'] } } },
      admin: { port: 0 },
      listeners: { public: { port: 0, tls: { cert, key } } },
      endpoints: {
        rooms: { listener: 'public', path: '/', codec: 'rooms', presence: { topic: 'lobby' }, auth: 'users' },
        prices: { listener: 'public', path: '/p', codec: 'json', direction: 'out', channels: { history: {} } },
      },
      pipelines: {
        in: { source: { endpoint: 'rooms' }, sink: { topic: { name: 'lobby' } } },
        out: { source: { topic: { names: ['lobby'] } }, sink: { endpoint: 'rooms' } },
        counts: {
          source: { topic: { names: ['lobby'], group: 'counts' } },
          processors: [{ window: { tumbling: '1m', aggregate: { n: 'count' } } }],
          sink: { topic: { name: 'counted' } },
        },
        feed: { source: { websocket_client: { url: 'ws://127.0.0.1:9/' } }, sink: { topic: { name: 'ticks' } } },
      },
      shutdown: { jitter: '0s' },
    },
  });
  t.after(() => gateway.stop());
  await gateway.start();
  const series = await scraped(gateway.ports().admin);
  const asked = [...alertQueries(), ...dashboardQueries()].flatMap(
    ({ expr }) => expr.match(/\btidegate_[a-z_]+_total\b/g) ?? [],
  );
  assert.ok(asked.length > 15);
  const feed = { component: 'pipelines.feed.source' };
  const counts = { pipeline: 'counts', operator: 'processors[0].window' };
  const known: Readonly<Record<string, readonly Record<string, string>[]>> = {
    tidegate_frames_dropped_total: ['slow', 'superseded', 'closed'].map((reason) => ({ endpoint: 'rooms', reason })),
    tidegate_connections_closed_total: ['1000', '1006', '1008', '1012'].map((code) => ({ endpoint: 'rooms', code })),
    tidegate_connections_refused_total: ['origin', 'log_down', 'full'].map((reason) => ({ endpoint: 'rooms', reason })),
    tidegate_answers_total: ['ack', 'error', 'retryable'].map((result) => ({ endpoint: 'rooms', result })),
    tidegate_pipeline_failed_total: ['in', 'out', 'feed'].flatMap((pipeline) =>
      ['TG_MESSAGE_INVALID', 'TG_RECORD_TOO_LARGE', 'TG_FLOW_FAILED'].map((code) => ({ pipeline, code })),
    ),
    tidegate_auth_total: ['accepted', 'token_signature', 'password_wrong', 'keys_unavailable'].map((result) => ({
      auth: 'users',
      result,
    })),
    tidegate_tls_handshakes_total: ['ok', 'alert'].map((result) => ({ place: 'listeners.public', result })),
    tidegate_clients_limited_total: ['messages', 'memory'].map((reason) => ({ endpoint: 'rooms', reason })),
    tidegate_token_renewals_total: ['accepted', 'refused'].map((result) => ({ endpoint: 'rooms', result })),
    tidegate_channel_records_total: ['delivered', 'missing'].map((result) => ({ endpoint: 'prices', result })),
    tidegate_channel_refusals_total: ['limit', 'revoked'].map((reason) => ({ endpoint: 'prices', reason })),
    tidegate_channel_recoveries_total: [
      { endpoint: 'prices', result: 'ring', reason: '' },
      { endpoint: 'prices', result: 'lost', reason: 'expired' },
    ],
    tidegate_operator_late_total: [counts],
    tidegate_operator_results_total: [counts],
    tidegate_remote_lost_total: ['closed', 'silent'].map((reason) => ({ ...feed, reason })),
    tidegate_remote_failed_tries_total: ['refused', 'protocol'].map((reason) => ({ ...feed, reason })),
    tidegate_remote_sequence_gaps_total: ['hole', 'back', 'unreadable'].map((kind) => ({ ...feed, kind })),
    tidegate_remote_dropped_total: ['overflow', 'duplicate', 'unsettled'].map((reason) => ({ ...feed, reason })),
    tidegate_remote_frames_received_total: [feed],
    tidegate_remote_frames_sent_total: [feed],
    tidegate_remote_settled_total: [feed],
    tidegate_remote_bytes_received_total: [feed],
    tidegate_remote_reconnects_total: [feed],
    tidegate_remote_gap_seconds_total: [feed],
    tidegate_reader_gap_records_total: ['listed', 'lobby', 'ticks'].map((topic) => ({ topic })),
    tidegate_reader_recreated_partitions_total: ['listed', 'lobby', 'ticks'].map((topic) => ({ topic })),
  };
  const byLabel: Readonly<Record<string, readonly string[]>> = {
    endpoint: ['rooms'],
    pipeline: ['in', 'out', 'feed'],
    topic: ['lobby', 'ticks'],
  };
  // No alert needs the first step of these: they begin with their first event, most of them for labels that are not known before.
  const onceTheyHappen = new Set(
    ['frames_rejected', 'records_consumed', 'commits', 'connect_requests'].map((name) => `tidegate_${name}_total`),
  );
  const alarming = alertQueries().flatMap(({ expr }) => readPromql(expr).selectors.map(({ name }) => name));
  assert.deepEqual(
    alarming.filter((name) => onceTheyHappen.has(name)),
    [],
  );
  for (const name of new Set([...asked, ...Object.keys(known)])) {
    if (onceTheyHappen.has(name)) continue;
    const [label = '', ...others] = METRICS[name as keyof typeof METRICS].labels;
    if (known[name] === undefined)
      assert.deepEqual(others, [], `${name} has more labels than this test knows values of`);
    for (const labels of known[name] ?? (byLabel[label] ?? []).map((value) => ({ [label]: value })))
      assert.equal(series(name, labels), 0, `${name} ${JSON.stringify(labels)}`);
  }
});

test('every data source that the dashboard and exemplars lead to is provisioned', () => {
  const folder = join(ROOT, 'observability/grafana/provisioning/datasources');
  const sources = readdirSync(folder).flatMap((name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    return (parse(text) as { datasources: { uid: string; jsonData?: object }[] }).datasources;
  });
  const asked = new Set<string>();
  JSON.stringify([dashboard(), sources], (key, value: unknown) => {
    if (key === 'datasource') asked.add((value as { uid: string }).uid);
    if (key === 'datasourceUid') asked.add(value as string);
    return value;
  });
  assert.deepEqual([...asked].sort(), sources.map(({ uid }) => uid).sort());
});

test('what docker-compose.yml mounts is in the repository', () => {
  const { services } = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8')) as {
    services: Record<string, { volumes?: string[] }>;
  };
  const mounted = Object.values(services).flatMap(({ volumes = [] }) => volumes.map((one) => one.split(':')[0] ?? ''));
  const ours = mounted.filter((path) => path.startsWith('./'));
  assert.ok(ours.length > 0);
  assert.deepEqual(
    ours.filter((path) => !existsSync(join(ROOT, path))),
    [],
  );
});

/** Looks up a value of /metrics by name and labels; undefined where there is none. */
async function scraped(port: number): Promise<(name: string, labels: Record<string, string>) => number | undefined> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const lines = text.split('\n');
  return (name, labels) => {
    const line = lines.find(
      (one) =>
        one.startsWith(`${name}{`) &&
        Object.entries(labels).every(([label, value]) => one.includes(`${label}=${JSON.stringify(value)}`)),
    );
    return line === undefined
      ? undefined
      : Number(
          line
            .slice(line.lastIndexOf('}') + 1)
            .trim()
            .split(' ')[0],
        );
  };
}
