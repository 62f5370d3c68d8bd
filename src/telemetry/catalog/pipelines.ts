import { LATENCY_SECONDS, type MetricEntries } from './entry.ts';

const PROCESSOR_SECONDS = [0.00001, 0.0001, 0.001, 0.01, 0.1, 1, 10] as const;
const BATCH_MESSAGES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] as const;

/** Operators with state. */
export const OPERATOR_METRICS = {
  tidegate_window_late_total: {
    kind: 'counter',
    help: 'Records that came after their last window had ended, by the place of the operator in the configuration.',
    labels: ['place'],
  },
} as const satisfies MetricEntries;

/** Tables and requests of the processor `lookup`. `place`: where it is in the configuration. */
export const LOOKUP_METRICS = {
  tidegate_lookup_found_total: {
    kind: 'counter',
    help: 'Messages for which a lookup found a value, by the place of the processor in the configuration.',
    labels: ['place'],
  },
  tidegate_lookup_missed_total: {
    kind: 'counter',
    help: 'Messages for which a lookup found nothing, or which had no key.',
    labels: ['place'],
  },
  tidegate_lookup_keys: { kind: 'gauge', help: 'Keys in the table or cache of a lookup.', labels: ['place'] },
  tidegate_lookup_bytes: { kind: 'gauge', help: 'About the memory that they take.', labels: ['place'] },
  tidegate_lookup_reloads_total: {
    kind: 'counter',
    help: 'How often the file of a lookup was read again, by result: ok or failed. A file that failed left the table as it was.',
    labels: ['place', 'result'],
  },
  tidegate_lookup_requests_total: {
    kind: 'counter',
    help: 'HTTP requests of a lookup by result: found, missing, refused, or failed, which is tried again.',
    labels: ['place', 'result'],
  },
} as const satisfies MetricEntries;

/** Pipelines and their processors. */
export const PIPELINE_METRICS = {
  tidegate_pipeline_received_total: { kind: 'counter', help: 'Messages from the source.', labels: ['pipeline'] },
  tidegate_pipeline_sent_total: {
    kind: 'counter',
    help: 'Messages that are settled without an error: the sink accepted them, a processor dropped them, or their dead letter is stored.',
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
  tidegate_processor_received_total: {
    kind: 'counter',
    help: 'Messages that came to a processor, by its place and name: processors[0].validate, processors[1].try[0].map.',
    labels: ['pipeline', 'processor'],
  },
  tidegate_processor_sent_total: {
    kind: 'counter',
    help: 'Messages that a processor made: more than it got where it splits them.',
    labels: ['pipeline', 'processor'],
  },
  tidegate_processor_filtered_total: {
    kind: 'counter',
    help: 'Messages that a processor ended on purpose.',
    labels: ['pipeline', 'processor'],
  },
  tidegate_processor_failed_total: {
    kind: 'counter',
    help: 'Messages that failed for good in a processor, whatever became of them; of a try: those that went to its catch.',
    labels: ['pipeline', 'processor'],
  },
  tidegate_processor_seconds: {
    kind: 'histogram',
    help: 'Time that a processor took for a message, of one message in 64; waits for what it asks included, retries not.',
    labels: ['pipeline', 'processor'],
    buckets: PROCESSOR_SECONDS,
  },
  tidegate_messages_skipped_total: {
    kind: 'counter',
    help: 'Records that were skipped, because they failed for good and on_error.skip, or on_error of a processor, says so.',
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
  tidegate_pipeline_gate_closed_seconds_total: {
    kind: 'counter',
    help: 'How long the gate held the source, together; a gate that is closed now counts up to now.',
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
} as const satisfies MetricEntries;
