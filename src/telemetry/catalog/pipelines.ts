import { LATENCY_SECONDS, type MetricEntries } from './entry.ts';

const PROCESSOR_SECONDS = [0.00001, 0.0001, 0.001, 0.01, 0.1, 1, 10] as const;
const BATCH_MESSAGES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] as const;

/** Operators with state. */
export const OPERATOR_METRICS = {
  tidegate_latest_replaced_total: {
    kind: 'counter',
    help: 'Records that a newer one of their key took the place of, by the place of the operator in the configuration.',
    labels: ['place'],
  },
  tidegate_operator_state_keys: {
    kind: 'gauge',
    help: 'Keys that an operator keeps in all partitions of this gateway, by its place and name: processors[0].window.',
    labels: ['pipeline', 'operator'],
  },
  tidegate_operator_state_bytes: {
    kind: 'gauge',
    help: 'Memory of what an operator keeps in all partitions of this gateway, about.',
    labels: ['pipeline', 'operator'],
  },
  tidegate_operator_open_windows: {
    kind: 'gauge',
    help: 'Windows that have not ended, in all partitions of this gateway; each session is one.',
    labels: ['pipeline', 'operator'],
  },
  tidegate_operator_watermark_lag_seconds: {
    kind: 'gauge',
    help: 'How far the time up to which windows have ended is behind the clock, in the partition that is furthest behind.',
    labels: ['pipeline', 'operator'],
  },
  tidegate_operator_late_total: {
    kind: 'counter',
    help: 'Records that came too late: after their last window or match had ended, or further behind others than the lateness of a join.',
    labels: ['pipeline', 'operator'],
  },
  tidegate_operator_results_total: {
    kind: 'counter',
    help: 'Results that an operator gave out, repeated ones included.',
    labels: ['pipeline', 'operator'],
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
  tidegate_source_received_total: {
    kind: 'counter',
    help: 'Messages of one source of a pipeline with several, by its place in the configuration.',
    labels: ['pipeline', 'source'],
  },
  tidegate_source_in_flight_messages: {
    kind: 'gauge',
    help: 'Messages of one source of a pipeline with several that are not settled.',
    labels: ['pipeline', 'source'],
  },
  tidegate_source_gate_closed: {
    kind: 'gauge',
    help: 'Whether one source of a pipeline with several is paused because its share is used up (1) or not (0).',
    labels: ['pipeline', 'source'],
  },
  tidegate_sink_written_total: {
    kind: 'counter',
    help: 'Messages that route, all or first handed to a sink within it, by the place of that sink in the configuration.',
    labels: ['place'],
  },
  tidegate_sink_fallbacks_total: {
    kind: 'counter',
    help: 'Messages that a sink within first has refused and the next one gets, by the place of first in the configuration.',
    labels: ['place'],
  },
  tidegate_route_unmatched_total: {
    kind: 'counter',
    help: 'Messages that no entry of route takes, by its place in the configuration.',
    labels: ['place'],
  },
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
