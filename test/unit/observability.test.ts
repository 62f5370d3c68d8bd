import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
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
