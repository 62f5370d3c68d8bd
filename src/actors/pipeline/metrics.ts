import type { CreditGate } from '../../core/credit-gate.ts';
import { ERRORS } from '../../core/errors.ts';
import type { InFlightMessages } from '../../pipelines/in-flight.ts';
import type { Stats } from '../../telemetry/stats.ts';
import { GateTime } from './gate-time.ts';

/** Codes that messages fail with for good: what is wrong with the message itself, and what breaks the pipeline. */
const FAILURES = [
  ...Object.entries(ERRORS).flatMap(([code, { next }]) => (next === 'reject' ? [code] : [])),
  'TG_FLOW_FAILED',
];

/** The metrics of one pipeline, looked up once. */
export type PipelineMetrics = ReturnType<typeof pipelineMetrics>;

export function pipelineMetrics(stats: Stats, pipeline: string) {
  const labels = { pipeline };
  const gateTime = new GateTime();
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
    gateChanged: (isOpen: boolean) => gateTime.changed(isOpen),
    watch: (inFlight: InFlightMessages) => {
      stats.gauge('tidegate_pipeline_in_flight_messages', labels, () => inFlight.gate.messages);
      stats.gauge('tidegate_pipeline_in_flight_bytes', labels, () => inFlight.gate.bytes);
      stats.gauge('tidegate_pipeline_gate_closed', labels, () => (inFlight.gate.isOpen ? 0 : 1));
      stats.observableCounter('tidegate_pipeline_gate_closed_seconds_total', labels, () => gateTime.seconds);
    },
  };
}

/** The metrics of one source of several; `place` is `source[0]`. */
export type SourceMetrics = ReturnType<typeof sourceMetrics>;

export function sourceMetrics(stats: Stats, pipeline: string, place: string) {
  const labels = { pipeline, source: place };
  return {
    received: stats.counter('tidegate_source_received_total', labels),
    watch: (gate: CreditGate) => {
      stats.gauge('tidegate_source_in_flight_messages', labels, () => gate.messages);
      stats.gauge('tidegate_source_gate_closed', labels, () => (gate.isOpen ? 0 : 1));
    },
  };
}
