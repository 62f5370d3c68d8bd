import { AUTH_METRICS } from './catalog/auth.ts';
import { CHANNEL_METRICS, ENDPOINT_METRICS, ROOM_METRICS } from './catalog/endpoints.ts';
import type { MetricEntries, MetricEntry } from './catalog/entry.ts';
import { CONNECTOR_METRICS, FEED_METRICS } from './catalog/feeds.ts';
import { LANE_METRICS, READER_METRICS } from './catalog/log.ts';
import { LOOKUP_METRICS, OPERATOR_METRICS, PIPELINE_METRICS } from './catalog/pipelines.ts';
import { HTTP_METRICS, LIMIT_METRICS, RUN_METRICS, TLS_METRICS } from './catalog/process.ts';

/**
 * The closed list of metrics. Names are stable, because dashboards and alerts use them. The unit is the name's ending
 * (`_seconds`, `_bytes`, `_messages`), counters end with `_total`. docs/reference/metrics.md is generated from it,
 * in this order. Those of HTTP have the names that other programs have for theirs.
 */
export const METRICS = {
  ...RUN_METRICS,
  ...OPERATOR_METRICS,
  ...LOOKUP_METRICS,
  ...ENDPOINT_METRICS,
  ...CHANNEL_METRICS,
  ...AUTH_METRICS,
  ...ROOM_METRICS,
  ...FEED_METRICS,
  ...PIPELINE_METRICS,
  ...LANE_METRICS,
  ...READER_METRICS,
  ...HTTP_METRICS,
  ...TLS_METRICS,
  ...CONNECTOR_METRICS,
  ...LIMIT_METRICS,
} as const satisfies MetricEntries;

export type MetricName = keyof typeof METRICS;

/** A metric of the catalogue, whatever its kind. */
export function metricOf(name: MetricName): MetricEntry {
  return METRICS[name];
}

interface SpanEntry {
  readonly kind: 'server' | 'producer' | 'client' | 'consumer' | 'internal';
  readonly meaning: string;
}

/**
 * The closed list of spans. A sampled message has the six from `receive` to `deliver` in one trace, where
 * `process {pipeline}` is there for each pipeline that it goes through. docs/operations.md explains them.
 */
export const SPANS = {
  'GET {route}': { kind: 'server', meaning: 'The handshake, if the client traces it, or by tracing.handshakes.' },
  'dial {component}': {
    kind: 'client',
    meaning: 'The handshake with a server that is dialled; only with tracing.handshakes.',
  },
  'receive {endpoint}': { kind: 'consumer', meaning: 'Step 1: a frame became a message, or was refused.' },
  'process {pipeline}': { kind: 'internal', meaning: 'Steps 2 and 5: the processors of a pipeline.' },
  'send {topic}': { kind: 'producer', meaning: 'Step 3: a write to the log.' },
  'poll {topic}': { kind: 'client', meaning: 'A batch of records was read from the log; only with tracing.batches.' },
  'process {topic}': { kind: 'consumer', meaning: 'Step 4: a record was taken over from the log.' },
  'deliver {endpoint}': { kind: 'producer', meaning: 'Step 6: a record went to the sockets of this gateway.' },
} as const satisfies Record<string, SpanEntry>;
