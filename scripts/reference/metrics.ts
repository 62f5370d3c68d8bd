import { METRICS } from '../../src/telemetry/catalog.ts';
import { code, page, table } from './markdown.ts';

const INTRODUCTION =
  'Served in the Prometheus text format at `/metrics` of the admin port. The unit is the ending of the name; counters end with `_total`.';

export function metricsPage(): string {
  const rows = Object.entries(METRICS).map(([name, { kind, labels, help }]) => [
    code(name),
    kind,
    labels.map(code).join(' '),
    help,
  ]);
  return page('Metrics', INTRODUCTION, table(['metric', 'kind', 'labels', 'meaning'], rows));
}
