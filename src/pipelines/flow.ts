import { filter, map, type Observable } from 'rxjs';
import type { Batch } from '../core/batch.ts';
import type { Clock } from '../core/clock.ts';
import type { Operator, Processor, Sink } from '../core/component.ts';
import { type BatchLimits, batching } from './batching.ts';
import type { PipelineFlight } from './flight.ts';
import { type ProcessingOptions, processing } from './processing.ts';

/** A run of neighbouring processors, or one operator on the flow itself. */
export type Stage = { readonly processors: readonly Processor[] } | { readonly operator: Operator };

export interface FlowParts {
  readonly flight: PipelineFlight;
  readonly batch: BatchLimits;
  readonly stages: readonly Stage[];
  readonly sink: Pick<Sink, 'idle' | 'idle$'>;
  readonly processing: ProcessingOptions;
  /** Empties the open batch. */
  readonly flush$: Observable<void>;
  readonly clock: Clock;
}

/** A pipeline as one RxJS flow: gate, batching, then each stage; what comes out is ready for the sink. */
export function buildFlow(source$: Observable<Batch>, parts: FlowParts): Observable<Batch> {
  const { flight, sink } = parts;
  // A gate that is shut lets nothing in to wait for: what there is goes on, also what has just shut the gate.
  const taker = {
    get idle() {
      return sink.idle || !flight.gate.isOpen;
    },
    idle$: sink.idle$,
  };
  let flow$ = source$.pipe(
    map((batch) => flight.admit(batch)),
    batching(parts.batch, taker, parts.flush$, parts.clock),
  );
  // Without processors there is still the step that traces show.
  for (const stage of parts.stages.length > 0 ? parts.stages : [{ processors: [] }]) {
    flow$ =
      'operator' in stage ? stage.operator.apply(flow$) : flow$.pipe(processing(stage.processors, parts.processing));
  }
  return flow$.pipe(filter((batch) => batch.length > 0));
}
