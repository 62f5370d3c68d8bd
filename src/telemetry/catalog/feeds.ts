import type { MetricEntries } from './entry.ts';

/** Remote WebSocket servers that a source or sink dials. */
export const FEED_METRICS = {
  tidegate_remote_live: {
    kind: 'gauge',
    help: 'Whether the server is connected and subscribed to (1) or not (0); with shards, whether all connections are.',
    labels: ['component', 'url'],
  },
  tidegate_remote_shards: {
    kind: 'gauge',
    help: 'Connections that the symbols of a feed need.',
    labels: ['component', 'url'],
  },
  tidegate_remote_shards_live: {
    kind: 'gauge',
    help: 'Those of them that are connected and subscribed.',
    labels: ['component', 'url'],
  },
  tidegate_remote_symbols: {
    kind: 'gauge',
    help: 'Symbols of a feed.',
    labels: ['component', 'url'],
  },
  tidegate_remote_reconnects_total: {
    kind: 'counter',
    help: 'Connections that were made again.',
    labels: ['component', 'url'],
  },
  tidegate_remote_lost_total: {
    kind: 'counter',
    help: 'Connections that were lost, by how.',
    labels: ['component', 'url', 'reason'],
  },
  tidegate_remote_replaced_total: {
    kind: 'counter',
    help: 'Connections that worked and were replaced by new ones, by cause: message (the server asked for it) or age.',
    labels: ['component', 'url', 'cause'],
  },
  tidegate_remote_failed_tries_total: {
    kind: 'counter',
    help: 'Failed attempts to connect, by how.',
    labels: ['component', 'url', 'reason'],
  },
  tidegate_remote_frames_received_total: {
    kind: 'counter',
    help: 'Messages read from the server.',
    labels: ['component', 'url'],
  },
  tidegate_remote_bytes_received_total: {
    kind: 'counter',
    help: 'Payload bytes read from the server.',
    labels: ['component', 'url'],
  },
  tidegate_remote_frames_sent_total: {
    kind: 'counter',
    help: 'Messages sent to the server.',
    labels: ['component', 'url'],
  },
  tidegate_remote_unanswered_total: {
    kind: 'counter',
    help: 'Pings of the server that were not answered, because newer ones came before their answer could be sent.',
    labels: ['component', 'url'],
  },
  tidegate_remote_settled_total: {
    kind: 'counter',
    help: 'Messages of the server that arrived where they should, and records that the server got.',
    labels: ['component', 'url'],
  },
  tidegate_remote_dropped_total: {
    kind: 'counter',
    help: 'Messages that went no further: overflow, duplicate, refused (answers of a server to which no subscription came about), tombstone (records without a value, which a sink leaves out), compressed (messages that cannot be decompressed), or unsettled when the gateway stopped.',
    labels: ['component', 'url', 'reason'],
  },
  tidegate_remote_gaps_total: {
    kind: 'counter',
    help: 'Times in which nothing could be received from the server, and that are over.',
    labels: ['component', 'url'],
  },
  tidegate_remote_gap_seconds_total: {
    kind: 'counter',
    help: 'How long those times were, together.',
    labels: ['component', 'url'],
  },
  tidegate_remote_sequence_gaps_total: {
    kind: 'counter',
    help: 'Messages that do not continue their sequence, by kind: hole (numbers are missing), back (the number is lower than the last one), or unreadable (not a whole number).',
    labels: ['component', 'url', 'kind'],
  },
  tidegate_remote_sequence_missing_total: {
    kind: 'counter',
    help: 'Numbers that are missing in sequences.',
    labels: ['component', 'url'],
  },
} as const satisfies MetricEntries;

/** Connectors, as far as they run on this gateway. */
export const CONNECTOR_METRICS = {
  tidegate_connect_connectors: { kind: 'gauge', help: 'Connectors of the whole cluster.', labels: [] },
  tidegate_connect_running: {
    kind: 'gauge',
    help: 'Connectors and their tasks on this gateway, by state.',
    labels: ['state'],
  },
  tidegate_connect_requests_total: {
    kind: 'counter',
    help: 'Calls of the Kafka Connect REST API, by status code; forwarded: by whether another gateway answered.',
    labels: ['code', 'forwarded'],
  },
} as const satisfies MetricEntries;
