import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { alerts, mistakes, runbookQueries } from '../helpers/metric-queries.ts';

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../' : '../../', import.meta.url));
const page = readFileSync(join(ROOT, 'docs/runbooks.md'), 'utf8');

/** The text below each heading of an alert. */
const sections = new Map(
  page
    .split(/^### /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')), section.split(/^## /m)[0] ?? ''] as const),
);

interface AlertExample {
  readonly eval_time: string;
  readonly alertname: string;
  readonly exp_alerts: readonly object[];
}

test('every alert has a runbook, in the order of the rules, and every runbook an alert', () => {
  assert.deepEqual(
    [...sections.keys()],
    alerts().map(({ alert }) => alert),
  );
});

test('every alert says how urgent it is, and leads to its runbook', () => {
  for (const { alert, labels, annotations } of alerts()) {
    assert.ok(['critical', 'warning'].includes(labels.severity), alert);
    assert.equal(annotations.runbook, `docs/runbooks.md#${alert.toLowerCase()}`);
  }
});

test('every runbook says what it means, how to see it, what to do, and when it does not matter', () => {
  for (const [name, section] of sections) {
    const parts = [...section.matchAll(/^- \*\*([^*]+)\*\* ./gm)].map(([, part]) => part);
    assert.deepEqual(parts, ['Means', 'See', 'Do', 'No need to worry'], name);
  }
});

test('the queries of the runbooks ask for metrics and labels that there are', () => {
  const asked = runbookQueries();
  assert.ok(asked.length > 20);
  assert.deepEqual(asked.flatMap(mistakes), []);
});

test('the lines that the runbooks tell to look for are lines that the gateway writes', () => {
  const source = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(ROOT, 'src', name), 'utf8'))
    .join('\n');
  const text = page.replaceAll(/\s+/g, ' ');
  const quoted = [...text.matchAll(/(?:line|lines) "([^"]+)"(?: or "([^"]+)")?/g)].flatMap(([, a, b]) => [a, b]);
  const lines = quoted.filter((line) => line !== undefined);
  assert.ok(lines.length > 15);
  const unknown = lines.filter((line) => !source.includes(line));
  assert.deepEqual(unknown, []);
});

test('every alert has an example that fires and one that does not', () => {
  const { tests } = parse(readFileSync(join(ROOT, 'observability/prometheus/alerts.test.yml'), 'utf8')) as {
    tests: readonly { name: string; alert_rule_test: readonly AlertExample[] }[];
  };
  const examples = tests.flatMap(({ alert_rule_test }) => alert_rule_test);
  const withFiring = (fires: boolean) =>
    alerts()
      .map(({ alert }) => alert)
      .filter((alert) =>
        examples.some(({ alertname, exp_alerts }) => alertname === alert && exp_alerts.length > 0 === fires),
      );
  const all = alerts().map(({ alert }) => alert);
  assert.deepEqual([withFiring(true), withFiring(false)], [all, all]);
});
