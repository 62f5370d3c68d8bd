import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { METRICS } from '../../src/telemetry/catalog.ts';
import { PROCESS_METRICS } from '../../src/telemetry/process-metrics.ts';
import { readPromql, type Selector } from './promql.ts';

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../' : '../../', import.meta.url));
const RULES = 'observability/prometheus/alerts.yml';
const DASHBOARD = 'observability/grafana/provisioning/dashboards/tidegate.json';

/** A query of an alert or of the dashboard, and the text about its result. */
export interface MetricQuery {
  readonly place: string;
  readonly expr: string;
  /** With `{{label}}` or `{{ $labels.label }}` in it. */
  readonly text: string;
  /** A counter may be used without a rate. */
  readonly isAlert?: boolean;
}

export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook: string };
}

export interface Panel {
  readonly title: string;
  readonly type: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

export interface Dashboard {
  readonly panels: readonly Panel[];
  readonly annotations: { readonly list: readonly { name: string; expr: string; textFormat: string }[] };
  readonly templating: { readonly list: readonly { name: string; query: { query: string } }[] };
}

interface Metric {
  readonly kind: 'counter' | 'gauge' | 'histogram' | 'untyped';
  readonly labels: readonly string[];
}

/** Labels that Prometheus itself adds. */
const SCRAPED = ['instance', 'job'];
/** Metrics that Prometheus itself makes. */
const OF_PROMETHEUS: Readonly<Record<string, Metric>> = {
  up: { kind: 'gauge', labels: [] },
  ALERTS: { kind: 'gauge', labels: ['alertname', 'alertstate'] },
};
const SUFFIX = /_(bucket|sum|count)$/;
const OVER_COUNTERS = ['rate', 'increase'];

export function alerts(): readonly Alert[] {
  const { groups } = parse(readFileSync(join(ROOT, RULES), 'utf8')) as { groups: { rules: Alert[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

export function dashboard(): Dashboard {
  return JSON.parse(readFileSync(join(ROOT, DASHBOARD), 'utf8'));
}

export function alertQueries(): MetricQuery[] {
  return alerts().map(({ alert, expr, annotations }) => ({
    place: alert,
    expr,
    text: annotations.summary,
    isAlert: true,
  }));
}

/** Of panels, annotations and variables. */
export function dashboardQueries(): MetricQuery[] {
  const { panels, annotations, templating } = dashboard();
  return [
    ...panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr, legendFormat }) => ({ place: title, expr, text: legendFormat })),
    ),
    ...annotations.list.map(({ name, expr, textFormat }) => ({ place: name, expr, text: textFormat })),
    ...templating.list.map(({ name, query: { query } }) => {
      const [, expr = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(query) ?? [];
      return { place: `$${name}`, expr, text: `{{${label}}}` };
    }),
  ];
}

/** Of the blocks in docs/runbooks.md. */
export function runbookQueries(): MetricQuery[] {
  const page = readFileSync(join(ROOT, 'docs/runbooks.md'), 'utf8');
  return [...page.matchAll(/```promql\n(.*?)```/gs)].map(([, expr = '']) => ({
    place: `docs/runbooks.md: ${expr.trim()}`,
    expr: expr.trim(),
    text: '',
    isAlert: true,
  }));
}

/** What a query asks for that no gateway has, and what would give no or a wrong result. */
export function mistakes({ place, expr, text, isAlert }: MetricQuery): string[] {
  const found: string[] = [];
  const say = (mistake: string) => found.push(`${place}: ${mistake}`);
  const { selectors, groupings } = readPromql(expr);
  const known = new Set(SCRAPED);
  for (const selector of selectors) {
    const metric = metricOf(selector);
    if (metric === undefined) {
      say(`there is no metric ${selector.name}`);
      continue;
    }
    for (const label of metric.labels) known.add(label);
    if (isCommon(selector.name) && !selector.matched.includes('job'))
      say(`other programs have ${selector.name}, too: ask for job="tidegate"`);
    for (const label of selector.matched) if (!has(metric, label)) say(`${selector.name} has no label ${label}`);
    const isOver = OVER_COUNTERS.includes(selector.within ?? '');
    if (metric.kind === 'histogram') say(`${selector.name} is a histogram: ask for its _bucket, _sum or _count`);
    if (metric.kind === 'gauge' && isOver) say(`${selector.name} is a gauge and has no rate`);
    if (metric.kind === 'counter' && !isOver && !isAlert) say(`${selector.name} is a counter without a rate`);
  }
  for (const { labels, over } of groupings)
    for (const selector of over) {
      const metric = metricOf(selector);
      for (const label of labels)
        if (metric !== undefined && !has(metric, label)) say(`${selector.name} has no label ${label}`);
    }
  if (expr.includes('histogram_quantile(') && !groupings.some(({ labels }) => labels.includes('le')))
    say('a quantile needs the label le');
  for (const [, label = ''] of text.matchAll(/\{\{\s*(?:\$labels\.)?([a-z_]+)\s*\}\}/g))
    if (!known.has(label)) say(`no metric of it has the label ${label}`);
  return found;
}

/** Whether the name is not ours alone. */
function isCommon(name: string): boolean {
  return !name.startsWith('tidegate_') && name !== 'ALERTS';
}

function has({ labels }: Metric, label: string): boolean {
  return labels.includes(label) || SCRAPED.includes(label);
}

function metricOf({ name }: Selector): Metric | undefined {
  const all: Readonly<Record<string, { kind: Metric['kind']; labels?: readonly string[] }>> = {
    ...METRICS,
    ...PROCESS_METRICS,
    ...OF_PROMETHEUS,
  };
  const whole = all[name];
  if (whole !== undefined) return { kind: whole.kind, labels: whole.labels ?? [] };
  const part = all[name.replace(SUFFIX, '')];
  if (part?.kind !== 'histogram') return undefined;
  return { kind: 'counter', labels: [...(part.labels ?? []), ...(name.endsWith('_bucket') ? ['le'] : [])] };
}
