import { LATENCY_SECONDS, type MetricEntries } from './entry.ts';

/** The process and its log. */
export const RUN_METRICS = {
  tidegate_info: { kind: 'gauge', help: 'Always 1; the labels say what runs.', labels: ['version', 'driver'] },
  tidegate_log_up: { kind: 'gauge', help: 'Whether the log can be reached (1) or not (0).', labels: ['driver'] },
  tidegate_config_generation: {
    kind: 'gauge',
    help: 'How many configurations the gateway has run since its start: 1, and one more with each reload that changed something.',
    labels: [],
  },
  tidegate_config_last_reload_successful: {
    kind: 'gauge',
    help: 'Whether the last reload was accepted (1) or changed nothing because of an error (0); 1 before the first one.',
    labels: [],
  },
  tidegate_config_last_reload_success_timestamp_seconds: {
    kind: 'gauge',
    help: 'When a configuration was last accepted, at the start or by a reload, in seconds since 1970.',
    labels: [],
  },
  tidegate_config_reloads_total: {
    kind: 'counter',
    help: 'Reloads by result. applied; unchanged: there was nothing to change; invalid: the configuration has mistakes; refused: it changes what cannot change while the gateway runs; failed: a port, a file or a topic could not be had, or the gateway stopped.',
    labels: ['result'],
  },
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

/** TLS of our own ports. */
export const TLS_METRICS = {
  tidegate_tls_handshakes_total: {
    kind: 'counter',
    help: 'TLS handshakes of a port, such as listeners.public, admin or connect, by result. ok; plain_http: HTTP without TLS; client_certificate: the client has none that client_ca verifies; alert: the client refused our certificate or version; protocol: no TLS, or an unsafe version or cipher; timeout; closed: the client left.',
    labels: ['place', 'result'],
  },
  tidegate_tls_certificate_expiry_seconds: {
    kind: 'gauge',
    help: 'Time until the certificate of a port expires; negative once it has.',
    labels: ['place'],
  },
  tidegate_tls_reloads_total: {
    kind: 'counter',
    help: 'How often the certificate of a port was read again because its files changed, by result: ok or failed. One that failed left the certificate as it was.',
    labels: ['place', 'result'],
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
