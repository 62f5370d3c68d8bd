import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { createGateway } from '../../src/index.ts';
import { METRICS } from '../../src/telemetry/catalog.ts';

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../' : '../../', import.meta.url));
const DASHBOARD = 'observability/grafana/provisioning/dashboards/tidegate.json';

/** Labels that Prometheus itself adds. */
const SCRAPED = ['instance', 'job'];

interface Query {
  readonly place: string;
  readonly expr: string;
  /** Text with `{{label}}` in it. */
  readonly text: string;
}

test('alerts and dashboard ask for metrics and labels that there are', () => {
  const asked = [...alerts(), ...panels()];
  assert.ok(asked.length > 30);
  assert.deepEqual(asked.flatMap(mistakes), []);
});

test('a query with a metric or a label that there is not is found', () => {
  const query = (expr: string, text = '') => mistakes({ place: 'p', expr, text });
  assert.deepEqual(query('tidegate_log_up == 0', '{{ $labels.driver }}'), []);
  assert.deepEqual(query('tidegate_log_down == 0'), ['p: there is no metric tidegate_log_down']);
  assert.deepEqual(query('sum by (topic) (rate(tidegate_lane_retries_total{room="a"}[5m]))'), [
    'p: tidegate_lane_retries_total has no label room',
  ]);
  assert.deepEqual(query('tidegate_log_up', '{{topic}}'), ['p: no metric of it has the label topic']);
  assert.deepEqual(query('rate(tidegate_log_up_bucket[5m])'), ['p: tidegate_log_up is no histogram']);
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
  const gateway = await createGateway({
    logger: 'silent',
    config: {
      log: { driver: 'embedded', embedded: { memory: true }, topics: { listed: { partitions: 1 } } },
      admin: { port: 0 },
      listeners: { public: { port: 0 } },
      endpoints: { rooms: { listener: 'public', path: '/', codec: 'rooms', presence: { topic: 'lobby' } } },
      pipelines: {
        in: { source: { endpoint: 'rooms' }, sink: { topic: { name: 'lobby' } } },
        out: { source: { topic: { names: ['lobby'] } }, sink: { endpoint: 'rooms' } },
        feed: { source: { websocket_client: { url: 'ws://127.0.0.1:9/' } }, sink: { topic: { name: 'ticks' } } },
      },
      shutdown: { jitter: '0s' },
    },
  });
  t.after(() => gateway.stop());
  await gateway.start();
  const series = await scraped(gateway.ports().admin);
  const asked = [...alerts(), ...panels()].flatMap(({ expr }) => expr.match(/\btidegate_[a-z_]+_total\b/g) ?? []);
  assert.ok(asked.length > 15);
  const feed = { component: 'pipelines.feed.source' };
  const known: Readonly<Record<string, readonly Record<string, string>[]>> = {
    tidegate_frames_dropped_total: ['slow', 'closed'].map((reason) => ({ endpoint: 'rooms', reason })),
    tidegate_connections_closed_total: ['1000', '1006', '1008', '1012'].map((code) => ({ endpoint: 'rooms', code })),
    tidegate_connections_refused_total: ['origin', 'log_down', 'full'].map((reason) => ({ endpoint: 'rooms', reason })),
    tidegate_answers_total: ['ack', 'error', 'retryable'].map((result) => ({ endpoint: 'rooms', result })),
    tidegate_pipeline_failed_total: ['in', 'out', 'feed'].flatMap((pipeline) =>
      ['TG_MESSAGE_INVALID', 'TG_RECORD_TOO_LARGE', 'TG_FLOW_FAILED'].map((code) => ({ pipeline, code })),
    ),
    tidegate_remote_dropped_total: ['overflow', 'duplicate', 'unsettled'].map((reason) => ({ ...feed, reason })),
    tidegate_remote_frames_received_total: [feed],
    tidegate_reader_gap_records_total: ['listed', 'lobby', 'ticks'].map((topic) => ({ topic })),
    tidegate_reader_recreated_partitions_total: ['listed', 'lobby', 'ticks'].map((topic) => ({ topic })),
  };
  const byLabel: Readonly<Record<string, readonly string[]>> = {
    endpoint: ['rooms'],
    pipeline: ['in', 'out', 'feed'],
    topic: ['lobby', 'ticks'],
  };
  for (const name of new Set(asked)) {
    const [label = '', ...others] = METRICS[name as keyof typeof METRICS].labels;
    if (known[name] === undefined)
      assert.deepEqual(others, [], `${name} has more labels than this test knows values of`);
    for (const labels of known[name] ?? (byLabel[label] ?? []).map((value) => ({ [label]: value })))
      assert.equal(series(name, labels), 0, `${name} ${JSON.stringify(labels)}`);
  }
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

function mistakes({ place, expr, text }: Query): string[] {
  const found: string[] = [];
  const known = new Set<string>(SCRAPED);
  for (const [, name = '', suffix, matchers = ''] of expr.matchAll(
    /\b(tidegate_[a-z_]+?)(_bucket)?\b(?:\{([^}]*)\})?/g,
  )) {
    const metric = METRICS[name as keyof typeof METRICS];
    if (metric === undefined) {
      found.push(`${place}: there is no metric ${name}`);
      continue;
    }
    if (suffix !== undefined && metric.kind !== 'histogram') found.push(`${place}: ${name} is no histogram`);
    const labels: readonly string[] = metric.labels;
    for (const label of labels) known.add(label);
    for (const [, label = ''] of matchers.matchAll(/([a-z_]+)\s*=~?/g))
      if (![...labels, ...SCRAPED].includes(label)) found.push(`${place}: ${name} has no label ${label}`);
  }
  const shown = [...text.matchAll(/\{\{\s*(?:\$labels\.)?([a-z_]+)\s*\}\}/g)].map(([, label = '']) => label);
  const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/,\s*/));
  for (const label of [...shown, ...grouped])
    if (label !== 'le' && !known.has(label)) found.push(`${place}: no metric of it has the label ${label}`);
  return found;
}

function alerts(): Query[] {
  const { groups } = parse(readFileSync(join(ROOT, 'observability/prometheus/alerts.yml'), 'utf8')) as {
    groups: { rules: { alert: string; expr: string; annotations: { summary: string } }[] }[];
  };
  return groups.flatMap(({ rules }) =>
    rules.map(({ alert, expr, annotations }) => ({ place: alert, expr, text: annotations.summary })),
  );
}

function panels(): Query[] {
  const { panels } = JSON.parse(readFileSync(join(ROOT, DASHBOARD), 'utf8')) as {
    panels: { title: string; targets?: { expr: string; legendFormat: string }[] }[];
  };
  return panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, legendFormat }) => ({ place: title, expr, text: legendFormat })),
  );
}
