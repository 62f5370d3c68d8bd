import { LATENCY_SECONDS, type MetricEntries } from './entry.ts';

/** The process and its log. */
export const RUN_METRICS = {
  tidegate_info: { kind: 'gauge', help: 'Always 1; the labels say what runs.', labels: ['version', 'driver'] },
  tidegate_log_up: { kind: 'gauge', help: 'Whether the log can be reached (1) or not (0).', labels: ['driver'] },
} as const satisfies MetricEntries;

/** HTTP: the admin port, the Kafka Connect REST API, and what listeners answer besides handshakes. */
export const HTTP_METRICS = {
  http_requests_total: {
    kind: 'counter',
    help: 'HTTP requests that were answered, by port (admin, connect or public), route (a fixed path, a pattern of paths, page, or other), method (other: an unusual one) and status code. Handshakes are in tidegate_handshake_seconds.',
    labels: ['port', 'route', 'method', 'status'],
  },
  http_response_time_seconds: {
    kind: 'histogram',
    help: 'Time from an HTTP request to the end of its answer.',
    labels: ['port', 'route'],
    buckets: LATENCY_SECONDS,
  },
} as const satisfies MetricEntries;

/** Memory and tracing. */
export const LIMIT_METRICS = {
  tidegate_memory_held_bytes: {
    kind: 'gauge',
    help: 'Bytes that count against memory.limit (clients) or memory.groups (groups).',
    labels: ['kind'],
  },
  tidegate_memory_limit_bytes: {
    kind: 'gauge',
    help: 'What may be held before sockets are paused and the largest holders are cut: memory.limit.',
    labels: [],
  },
  tidegate_spans_suppressed_total: {
    kind: 'counter',
    help: 'Messages whose trace was not recorded, because tracing.max_per_second was reached.',
    labels: [],
  },
} as const satisfies MetricEntries;
