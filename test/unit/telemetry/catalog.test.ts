import assert from 'node:assert/strict';
import { test } from 'node:test';
import { METRICS, type MetricName, metricOf } from '../../../src/telemetry/catalog.ts';

const NAMES = Object.keys(METRICS) as MetricName[];

test('names follow the rules of Prometheus: prefix, lower case, unit last, _total for counters alone', () => {
  for (const name of NAMES) {
    assert.match(name, /^tidegate_[a-z_]+$/);
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
