import { filter, type Observable, tap } from 'rxjs';
import type { Batch } from '../../core/batch.ts';
import { pauseBefore } from '../../core/retrying.ts';
import { buildFlow } from '../../pipelines/flow.ts';
import type { InFlightMessages } from '../../pipelines/in-flight.ts';
import type { TapPoints } from '../../pipelines/tap-points.ts';
import type { FailureLog } from './failure-log.ts';
import type { Halt } from './halt.ts';
import type { PipelineOptions } from './pipeline-options.ts';

/** What the flow has of its pipeline. */
export interface FlowHost {
  readonly inFlight: InFlightMessages;
  readonly halt: Halt;
  /** Empties the open batch. */
  readonly flush$: Observable<void>;
  /** Emits when the gate has opened. */
  readonly opened$: Observable<void>;
  readonly failureLog: FailureLog;
  readonly taps: TapPoints;
}

/** The flow of a pipeline, counted and traced: batches of its source, processed and ready for its sink. */
export function pipelineFlow(options: PipelineOptions, host: FlowHost): Observable<Batch> {
  const { inFlight, halt, flush$, opened$, failureLog, taps } = host;
  const {
    name,
    source,
    sink,
    stages,
    batch,
    retries,
    backoff,
    metrics,
    tracing,
    clock,
    isTransactional = false,
  } = options;
  const counted$ = source.batches$.pipe(
    filter((received) => halt.admits(received)),
    tap((received) => {
      metrics.received.value += received.length - replayedIn(received);
    }),
  );
  return buildFlow(counted$, {
    inFlight,
    batch,
    stages,
    sink,
    flush$,
    opened$,
    clock,
    isTransactional,
    taps,
    processing: {
      retries,
      pause: (attempt) => pauseBefore(attempt, backoff, clock),
      retried: (failure) => {
        metrics.retries.value += 1;
        failureLog.retried(failure);
      },
      filtered: (message, processor) => {
        if (message.isReplayed) return;
        metrics.filtered.value += 1;
        tracing.filtered(message, processor);
      },
      skipped: (message, failure) => {
        if (message.isReplayed) return;
        metrics.skipped.value += 1;
        metrics.failed(failure.code);
        tracing.failed(message, failure);
        failureLog.add(message, failure);
      },
      trace: (traced) => {
        const span = tracing.processing(traced, name);
        return () => span.end();
      },
    },
  });
}

/** Records that rebuild the state of an operator were counted when they were read for the first time; they come first. */
function replayedIn({ messages }: Batch): number {
  const at = messages.findIndex(({ isReplayed }) => !isReplayed);
  return at < 0 ? messages.length : at;
}
