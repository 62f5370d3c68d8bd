import type { BackoffOptions } from '../../core/backoff.ts';
import type { Clock } from '../../core/clock.ts';
import type { Sink, Source } from '../../core/component.ts';
import type { GateLimits } from '../../core/credit-gate.ts';
import type { Message } from '../../core/message.ts';
import type { BatchLimits } from '../../pipelines/batching.ts';
import type { Stage } from '../../pipelines/flow.ts';
import type { FailurePolicy } from '../../pipelines/in-flight.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Tracing } from '../../telemetry/tracing.ts';
import type { PipelineMetrics } from './metrics.ts';

export interface PipelineOptions {
  readonly name: string;
  readonly source: Source;
  readonly sink: Sink;
  readonly stages: readonly Stage[];
  readonly batch: BatchLimits;
  readonly inFlight: GateLimits;
  readonly retries: number;
  readonly backoff: BackoffOptions;
  /** Takes messages that failed for good; false where the pipeline has no dead letters and skips nothing. */
  readonly failurePolicy: FailurePolicy;
  /** Whether that message, if it fails for good, stops the pipeline: its source commits offsets and may not skip it. */
  readonly stopsOnFailure: boolean | ((message: Message) => boolean);
  /** Results are stored in the transactions that commit what they were made of. */
  readonly isTransactional?: boolean;
  /** Called when it breaks, before the messages in flight are nacked. */
  readonly breaking?: () => void;
  /** Called when it is closed, after the messages in flight were nacked. */
  readonly closed?: () => void;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tracing: Tracing;
  readonly metrics: PipelineMetrics;
}
