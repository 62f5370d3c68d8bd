/** Upper bounds of the buckets of a histogram, in the metric's own unit; one more bucket holds what is above. */
const LATENCY_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;
const BATCH_MESSAGES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] as const;

interface MetricEntry {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** Names of the labels; every one of them must be given, and no other. */
  readonly labels: readonly string[];
  /** Histograms only. */
  readonly buckets?: readonly number[];
}

/**
 * The closed list of metrics. Names are stable, because dashboards and alerts use them. The unit is the name's ending
 * (`_seconds`, `_bytes`, `_messages`), counters end with `_total`. docs/reference/metrics.md is generated from it.
 */
export const METRICS = {
  // The process and its log.
  tidegate_info: { kind: 'gauge', help: 'Always 1; the labels say what runs.', labels: ['version', 'driver'] },
  tidegate_log_up: { kind: 'gauge', help: 'Whether the log can be reached (1) or not (0).', labels: ['driver'] },

  // Endpoints and their connections.
  tidegate_connections: { kind: 'gauge', help: 'Live WebSocket connections.', labels: ['endpoint'] },
  tidegate_connections_opened_total: {
    kind: 'counter',
    help: 'Handshakes that became a connection.',
    labels: ['endpoint'],
  },
  tidegate_connections_closed_total: {
    kind: 'counter',
    help: 'Connections that ended, by close code; 3xxx and 4xxx stand for codes that clients made up.',
    labels: ['endpoint', 'code'],
  },
  tidegate_connections_refused_total: {
    kind: 'counter',
    help: 'Handshakes that were answered with an error.',
    labels: ['endpoint', 'reason'],
  },
  tidegate_frames_received_total: { kind: 'counter', help: 'Data frames read from clients.', labels: ['endpoint'] },
  tidegate_bytes_received_total: { kind: 'counter', help: 'Payload bytes read from clients.', labels: ['endpoint'] },
  tidegate_frames_sent_total: { kind: 'counter', help: 'Data frames written to clients.', labels: ['endpoint'] },
  tidegate_bytes_sent_total: { kind: 'counter', help: 'Payload bytes written to clients.', labels: ['endpoint'] },
  tidegate_frames_dropped_total: {
    kind: 'counter',
    help: 'Frames a client did not get, because it was too slow or went away.',
    labels: ['endpoint', 'reason'],
  },
  tidegate_frames_rejected_total: {
    kind: 'counter',
    help: 'Frames from clients that the codec refused: it did not understand or allow them.',
    labels: ['endpoint', 'reason'],
  },
  tidegate_answers_total: {
    kind: 'counter',
    help: 'Answers to messages and requests of clients: ack (the log has it), filtered, dead_letter, error, or retryable. Frames that the codec refused are in tidegate_frames_rejected_total.',
    labels: ['endpoint', 'result'],
  },
  tidegate_unanswered_total: {
    kind: 'counter',
    help: 'Messages that were read and not settled when their connection or the gateway stopped.',
    labels: ['endpoint'],
  },
  tidegate_sockets_paused: { kind: 'gauge', help: 'Sockets that are not read at the moment.', labels: ['endpoint'] },
  tidegate_send_queue_bytes: { kind: 'gauge', help: 'Bytes that wait to be written to clients.', labels: ['endpoint'] },
  tidegate_ping_seconds: {
    kind: 'histogram',
    help: 'Time from a ping to its pong.',
    labels: ['endpoint'],
    buckets: LATENCY_SECONDS,
  },

  // Rooms: who is there on all gateways, as this one sees it.
  tidegate_presence_members: {
    kind: 'gauge',
    help: 'Members of the room on all gateways.',
    labels: ['endpoint'],
  },
  tidegate_presence_gateways: {
    kind: 'gauge',
    help: 'Other gateways that live and have or had members in the room.',
    labels: ['endpoint'],
  },
  tidegate_presence_declared_dead_total: {
    kind: 'counter',
    help: 'Other gateways that this one declared dead, as they were silent for a lease.',
    labels: ['endpoint'],
  },
  tidegate_presence_fenced_total: {
    kind: 'counter',
    help: 'How often the others declared this gateway dead; each time all its clients had to come back.',
    labels: ['endpoint'],
  },

  // WebSocket servers out there that a source or sink dials.
  tidegate_remote_live: {
    kind: 'gauge',
    help: 'Whether the server is connected and subscribed to (1) or not (0).',
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
  tidegate_remote_failed_tries_total: {
    kind: 'counter',
    help: 'Tries to connect that were in vain, by how.',
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
  tidegate_remote_settled_total: {
    kind: 'counter',
    help: 'Messages of the server that arrived where they should, and records that the server got.',
    labels: ['component', 'url'],
  },
  tidegate_remote_dropped_total: {
    kind: 'counter',
    help: 'Messages that went no further: overflow, duplicate, refused (answers of a server to which no subscription came about), tombstone (records without a value, which a sink leaves out), or unsettled when the gateway stopped.',
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

  // Pipelines.
  tidegate_pipeline_received_total: { kind: 'counter', help: 'Messages from the source.', labels: ['pipeline'] },
  tidegate_pipeline_sent_total: {
    kind: 'counter',
    help: 'Messages that are done with: the sink took them for good, a processor ended them, or their dead letter is stored.',
    labels: ['pipeline'],
  },
  tidegate_pipeline_filtered_total: {
    kind: 'counter',
    help: 'Messages that a processor ended on purpose.',
    labels: ['pipeline'],
  },
  tidegate_pipeline_failed_total: {
    kind: 'counter',
    help: 'Messages that failed for good, by error code.',
    labels: ['pipeline', 'code'],
  },
  tidegate_pipeline_retries_total: {
    kind: 'counter',
    help: 'Repeated tries after an error marked transient.',
    labels: ['pipeline'],
  },
  tidegate_pipeline_dead_letters_total: {
    kind: 'counter',
    help: 'Messages whose dead letter is stored.',
    labels: ['pipeline'],
  },
  tidegate_messages_skipped_total: {
    kind: 'counter',
    help: 'Records that were passed over, because they failed for good and on_error.skip says so.',
    labels: ['pipeline'],
  },
  tidegate_pipeline_restarts_total: {
    kind: 'counter',
    help: 'How often the flow ended by an error and was rebuilt.',
    labels: ['pipeline'],
  },
  tidegate_pipeline_in_flight_messages: {
    kind: 'gauge',
    help: 'Messages between the gate and their settling.',
    labels: ['pipeline'],
  },
  tidegate_pipeline_in_flight_bytes: {
    kind: 'gauge',
    help: 'Bytes between the gate and their settling.',
    labels: ['pipeline'],
  },
  tidegate_pipeline_gate_closed: {
    kind: 'gauge',
    help: 'Whether the gate holds the source (1) or not (0).',
    labels: ['pipeline'],
  },
  tidegate_pipeline_batch_messages: {
    kind: 'histogram',
    help: 'Messages in a batch as it reaches the sink.',
    labels: ['pipeline'],
    buckets: BATCH_MESSAGES,
  },
  tidegate_pipeline_latency_seconds: {
    kind: 'histogram',
    help: 'Time from the sink to the settling, of one message at a time.',
    labels: ['pipeline'],
    buckets: LATENCY_SECONDS,
  },

  // Lanes: the writing side of a topic.
  tidegate_lane_records_total: { kind: 'counter', help: 'Records that the log accepted.', labels: ['topic'] },
  tidegate_lane_bytes_total: {
    kind: 'counter',
    help: 'Bytes of records that the log accepted, as they were sent: compressed where they are.',
    labels: ['topic'],
  },
  tidegate_lane_queued_messages: { kind: 'gauge', help: 'Messages that wait for their send.', labels: ['topic'] },
  tidegate_lane_retries_total: {
    kind: 'counter',
    help: 'Repeated sends after an unknown outcome.',
    labels: ['topic'],
  },
  tidegate_lane_refused_total: { kind: 'counter', help: 'Records that the log will never take.', labels: ['topic'] },
  tidegate_lane_duplicates_possible_total: {
    kind: 'counter',
    help: 'Producers that had to be replaced: their last batch may stand twice in the topic.',
    labels: ['topic'],
  },
  tidegate_lane_send_seconds: {
    kind: 'histogram',
    help: 'Time of a send, its repetitions included.',
    labels: ['topic'],
    buckets: LATENCY_SECONDS,
  },

  // Readers and consumer groups: the reading side.
  tidegate_records_consumed_total: { kind: 'counter', help: 'Records read from the log.', labels: ['topic'] },
  tidegate_reader_gap_records_total: {
    kind: 'counter',
    help: 'Records that were gone from the log before they could be read, or that cannot be read.',
    labels: ['topic'],
  },
  tidegate_reader_recreated_partitions_total: {
    kind: 'counter',
    help: 'Partitions that were read on at their first record because their topic had been deleted and created again.',
    labels: ['topic'],
  },
  tidegate_consumer_lag: {
    kind: 'gauge',
    help: 'Records between what the group is done with and the end of the partition, a few seconds old at most.',
    labels: ['topic', 'partition', 'group'],
  },
  tidegate_group_consumers: {
    kind: 'gauge',
    help: 'Clients that share out the partitions of consumer groups.',
    labels: [],
  },
  tidegate_commits_total: { kind: 'counter', help: 'Commits of offsets.', labels: ['group'] },

  // Connectors, as far as they run on this gateway.
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

  // Memory and tracing.
  tidegate_memory_held_bytes: {
    kind: 'gauge',
    help: 'Bytes that count against memory.limit (clients) or memory.groups (groups).',
    labels: ['kind'],
  },
  tidegate_memory_limit_bytes: {
    kind: 'gauge',
    help: 'What may be held before the largest holders are cut: memory.limit.',
    labels: [],
  },
  tidegate_spans_suppressed_total: {
    kind: 'counter',
    help: 'Messages whose trace was not recorded, because tracing.max_per_second was reached.',
    labels: [],
  },
} as const satisfies Record<string, MetricEntry>;

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
  'receive {endpoint}': { kind: 'consumer', meaning: 'Step 1: a frame became a message, or was refused.' },
  'process {pipeline}': { kind: 'internal', meaning: 'Steps 2 and 5: the processors of a pipeline.' },
  'send {topic}': { kind: 'producer', meaning: 'Step 3: a write to the log.' },
  'poll {topic}': { kind: 'client', meaning: 'A batch of records was read from the log; only with tracing.batches.' },
  'process {topic}': { kind: 'consumer', meaning: 'Step 4: a record was taken over from the log.' },
  'deliver {endpoint}': { kind: 'producer', meaning: 'Step 6: a record went to the sockets of this gateway.' },
} as const satisfies Record<string, SpanEntry>;
