import { ERRORS } from '../../core/errors.ts';
import type { PipelineFlight } from '../../pipelines/flight.ts';
import type { Stats } from '../../telemetry/stats.ts';

/** Codes that messages fail with for good: what is wrong with the message itself, and what breaks the pipeline. */
const FAILURES = [
  ...Object.entries(ERRORS).flatMap(([code, { next }]) => (next === 'reject' ? [code] : [])),
  'TG_FLOW_FAILED',
];

/** The figures of one pipeline, looked up once. */
export type PipelineFigures = ReturnType<typeof pipelineFigures>;

export function pipelineFigures(stats: Stats, pipeline: string) {
  const labels = { pipeline };
  for (const code of FAILURES) stats.counter('tidegate_pipeline_failed_total', { pipeline, code });
  return {
    received: stats.counter('tidegate_pipeline_received_total', labels),
    sent: stats.counter('tidegate_pipeline_sent_total', labels),
    filtered: stats.counter('tidegate_pipeline_filtered_total', labels),
    retries: stats.counter('tidegate_pipeline_retries_total', labels),
    deadLetters: stats.counter('tidegate_pipeline_dead_letters_total', labels),
    skipped: stats.counter('tidegate_messages_skipped_total', labels),
    restarts: stats.counter('tidegate_pipeline_restarts_total', labels),
    batch: stats.histogram('tidegate_pipeline_batch_messages', labels),
    latency: stats.histogram('tidegate_pipeline_latency_seconds', labels),
    failed: (code: string) => {
      stats.counter('tidegate_pipeline_failed_total', { pipeline, code }).value += 1;
    },
    watch: (flight: PipelineFlight) => {
      stats.gauge('tidegate_pipeline_in_flight_messages', labels, () => flight.gate.messages);
      stats.gauge('tidegate_pipeline_in_flight_bytes', labels, () => flight.gate.bytes);
      stats.gauge('tidegate_pipeline_gate_closed', labels, () => (flight.gate.isOpen ? 0 : 1));
    },
  };
}
