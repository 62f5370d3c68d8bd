import { code } from '../../src/config/reference/setting-rows.ts';
import { METRICS } from '../../src/telemetry/catalog.ts';
import { PROCESS_METRICS } from '../../src/telemetry/process-metrics.ts';
import { page, table } from './markdown.ts';

const INTRODUCTION =
  'Served at `/metrics` of the admin port, in the Prometheus text format or in OpenMetrics. The unit is the ending of the name; counters end with `_total`.';

const OF_PROCESS =
  'The process and Node.js, by the names of [prom-client](https://github.com/siimon/prom-client), which dashboards for Node.js programs expect. Those of files and of virtual memory need Linux. Three names end with `_total` and are no counters, so they have no type (`untyped`).';

export function metricsPage(): string {
  const rows = Object.entries(METRICS).map(([name, { kind, labels, help }]) => [
    code(name),
    kind,
    labels.map(code).join(' '),
    help,
  ]);
  const ofProcess = Object.entries(PROCESS_METRICS).map(([name, metric]) => [
    code(name),
    metric.kind,
    ('labels' in metric ? metric.labels : []).map(code).join(' '),
    metric.help,
  ]);
  const head = ['metric', 'kind', 'labels', 'meaning'];
  return page('Metrics', INTRODUCTION, table(head, rows), OF_PROCESS, table(head, ofProcess));
}
