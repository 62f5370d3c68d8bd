import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topicsOf } from '../../../src/gateway/pipelines.ts';
import { load, yaml } from '../config/fixture.ts';

test('a pipeline writes to its sinks, dead letters and late records, and not to a table', async () => {
  const { config } = await load(
    yaml({
      pipelines: `pipelines:
  p:
    source: { topic: { names: ["clicks*"], group: g } }
    processors:
      - lookup: { key: '\${! json.page }', topic: { name: clicks-pages }, into: page }
      - window: { tumbling: 1m, aggregate: { n: count }, late: { topic: clicks-late } }
    sink: { topic: { name: clicks-per-minute } }
    on_error: { dead_letter: clicks-dead }`,
    }),
  );
  const settings = config.pipelines.p;
  assert.ok(settings);
  assert.deepEqual([...topicsOf(settings)].sort(), ['clicks-dead', 'clicks-late', 'clicks-per-minute']);
});
