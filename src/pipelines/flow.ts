import { filter, map, type Observable } from 'rxjs';
import type { Batch } from '../core/batch.ts';
import type { Clock } from '../core/clock.ts';
import type { Sink } from '../core/component.ts';
import { type BatchLimits, batching } from './batching.ts';
import type { ConcurrentStage } from './concurrent.ts';
import type { InFlightMessages } from './in-flight.ts';
import { type PlacedOperator, placedOperator } from './placed-operator.ts';
import { type ProcessingOptions, processing } from './processing.ts';
import type { StageHost, StatefulStage } from './state/stateful-stage.ts';
import type { Step } from './step.ts';
import { type TapPoint, watched } from './tap-point.ts';

/** A run of neighbouring processors, one that works on several messages at a time, or one operator on the flow itself. */
export type Stage =
  | { readonly processors: readonly Step[]; readonly concurrent?: ConcurrentStage }
  | { readonly operator: PlacedOperator }
  | { readonly stateful: StatefulStage };

export interface FlowParts {
  readonly inFlight: InFlightMessages;
  readonly batch: BatchLimits;
  readonly stages: readonly Stage[];
  readonly sink: Pick<Sink, 'idle' | 'idle$'>;
  readonly processing: ProcessingOptions;
  /** Empties the open batch. */
  readonly flush$: Observable<void>;
  /** Emits when the gate has opened. */
  readonly opened$: Observable<void>;
  readonly clock: Clock;
  /** Results are stored in transactions. */
  readonly isTransactional?: boolean;
  /** Places at which messages may be watched. */
  readonly taps?: { readonly source: TapPoint; at(place: number): TapPoint | undefined };
}

/** A pipeline as one RxJS flow: gate, batching, then each stage; what comes out is ready for the sink. */
export function buildFlow(source$: Observable<Batch>, parts: FlowParts): Observable<Batch> {
  const { inFlight, sink, taps } = parts;
  // While the gate is shut no more messages come to wait for: the batch goes on, also one that has just shut the gate.
  const taker = {
    get idle() {
      return sink.idle || !inFlight.gate.isOpen;
    },
    idle$: sink.idle$,
  };
  let flow$ = source$.pipe(
    map((batch) => {
      taps?.source.observe?.(batch.messages);
      return inFlight.admit(batch);
    }),
    batching(parts.batch, taker, parts.flush$, parts.clock),
  );
  // Without processors there is still the step that traces show.
  const stages: readonly Stage[] = parts.stages.length > 0 ? parts.stages : [{ processors: [] }];
  const host: StageHost = {
    admit: (results) => inFlight.admit(results),
    get isOpen() {
      return inFlight.gate.isOpen;
    },
    opened$: parts.opened$,
    isTransactional: parts.isTransactional,
  };
  let place = 0;
  for (const stage of stages) {
    place += 'processors' in stage ? stage.processors.length : 1;
    if ('stateful' in stage) flow$ = watched(stage.stateful.apply(flow$, host), taps?.at(place));
    else if ('operator' in stage)
      flow$ = watched(placedOperator(flow$, stage.operator, parts.processing), taps?.at(place));
    else if (stage.concurrent !== undefined) flow$ = stage.concurrent.apply(flow$, parts.processing);
    else flow$ = flow$.pipe(processing(stage.processors, parts.processing));
  }
  return flow$.pipe(filter((batch) => batch.length > 0));
}
