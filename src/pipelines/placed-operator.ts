import { map, type Observable } from 'rxjs';
import type { Batch } from '../core/batch.ts';
import type { Operator, OperatorHost } from '../core/component.ts';
import { asTidegateError } from '../core/errors.ts';
import type { ProcessingOptions } from './processing.ts';
import { ProcessorFailure } from './processor-failure.ts';
import type { ProcessorMetrics } from './processor-metrics.ts';

/** An operator on the flow with what its pipeline knows of it. */
export interface PlacedOperator extends Operator {
  /** Where it is in the configuration of its pipeline, as `processors[0].dedupe`. */
  readonly place: string;
  readonly metrics?: ProcessorMetrics | undefined;
}

/** The flow through an operator, counted as that of a processor is. */
export function placedOperator(
  batches$: Observable<Batch>,
  operator: PlacedOperator,
  { filtered }: Pick<ProcessingOptions, 'filtered'>,
): Observable<Batch> {
  const { place, metrics } = operator;
  const host: OperatorHost = {
    filter: (message) => {
      metrics?.filter();
      // Before the ack: the span of a message is over with it, and what is recorded of it afterwards is lost.
      filtered(message, place);
      message.ack('filtered');
    },
    fail: (message, error) => {
      metrics?.fail();
      message.nack(new ProcessorFailure(asTidegateError(error, 'TG_PROCESSOR_FAILED'), place));
    },
  };
  const counted$ = batches$.pipe(
    map((batch) => {
      metrics?.receive(batch.length);
      return batch;
    }),
  );
  return operator.apply(counted$, host).pipe(
    map((batch) => {
      metrics?.out(batch.length);
      return batch;
    }),
  );
}
