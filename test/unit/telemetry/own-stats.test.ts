import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OwnStats } from '../../../src/telemetry/own-stats.ts';
import { createStats } from '../../../src/telemetry/stats.ts';

const labels = { component: 'connectors.x/0', url: 'ws://x' };

test('metrics of a part are removed with it, and what it counts afterwards is dropped', () => {
  const stats = createStats();
  stats.counter('tidegate_remote_gaps_total', { component: 'feed', url: 'ws://y' }).value += 1;
  const own = new OwnStats(stats);
  const gaps = own.counter('tidegate_remote_gaps_total', labels);
  gaps.value += 2;
  own.gauge('tidegate_remote_live', labels, () => 1);
  own.histogram('tidegate_pipeline_batch_messages', { pipeline: 'connectors.x/0' }).record(3);
  const gate = { pipeline: 'connectors.x/1' };
  own.observableCounter('tidegate_pipeline_gate_closed_seconds_total', gate, () => 1);
  const shown = () => JSON.stringify(stats.snapshot());
  assert.equal(shown().match(/connectors\.x/g)?.length, 4);
  own.end();
  gaps.value += 1;
  own.counter('tidegate_remote_gaps_total', labels).value += 1;
  own.gauge('tidegate_remote_live', labels, () => 1);
  own.observableCounter('tidegate_pipeline_gate_closed_seconds_total', gate, () => 1);
  own.histogram('tidegate_pipeline_batch_messages', { pipeline: 'connectors.x/0' }).record(3);
  assert.doesNotMatch(shown(), /connectors\.x/);
  assert.match(shown(), /"feed".*"value":1/);
});

test('one metric can be removed, and a gauge that has been taken over stays', () => {
  const stats = createStats();
  const [one, other] = [new OwnStats(stats), new OwnStats(stats)];
  one.counter('tidegate_remote_gaps_total', labels).value += 2;
  one.forget('tidegate_remote_gaps_total', labels);
  assert.equal(other.counter('tidegate_remote_gaps_total', labels).value, 0);
  one.gauge('tidegate_remote_live', labels, () => 0);
  other.gauge('tidegate_remote_live', labels, () => 1);
  one.end();
  const [live] = stats.snapshot().filter(({ name }) => name === 'tidegate_remote_live');
  assert.deepEqual(live?.points, [{ labels, value: 1 }]);
});
