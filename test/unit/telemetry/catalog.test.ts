import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { METRICS, type MetricName, metricOf } from '../../../src/telemetry/catalog.ts';

const NAMES = Object.keys(METRICS) as MetricName[];

test('names follow the rules of Prometheus: prefix, lower case, unit last, _total for counters alone', () => {
  for (const name of NAMES) {
    assert.match(name, /^(tidegate|http)_[a-z_]+$/);
    assert.equal(name.endsWith('_total'), metricOf(name).kind === 'counter', name);
    if (metricOf(name).kind === 'histogram') assert.match(name, /_(seconds|bytes|messages)$/);
  }
});

test('a histogram, and nothing else, has buckets, each above the one before', () => {
  for (const name of NAMES) {
    const { kind, buckets } = metricOf(name);
    assert.equal(buckets !== undefined, kind === 'histogram', name);
    const bounds = buckets ?? [];
    assert.deepEqual(
      bounds,
      [...new Set(bounds)].sort((a, b) => a - b),
      name,
    );
  }
});

test('help is a sentence, and no label has a name that Prometheus keeps for itself', () => {
  for (const name of NAMES) {
    const { help, labels } = metricOf(name);
    assert.match(help, /^[A-Z].*\.$/, name);
    for (const label of labels) {
      assert.match(label, /^[a-z]+$/);
      assert.ok(!['le', 'job', 'instance'].includes(label), `${name} ${label}`);
    }
  }
});

test('every metric of the catalogue is set somewhere', () => {
  const root = fileURLToPath(
    new URL(import.meta.url.includes('/dist/') ? '../../../../' : '../../../', import.meta.url),
  );
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  const sources = files.filter((file) => file.endsWith('.ts') && !file.startsWith('telemetry/catalog'));
  const code = sources.map((file) => readFileSync(join(root, 'src', file), 'utf8')).join('\n');
  const unset = NAMES.filter((name) => !new RegExp(`(?<!forget\\()'${name}'`).test(code));
  assert.deepEqual(unset, []);
});
