import { catchError, defer, map, type Observable, throwError } from 'rxjs';
import type { Batch } from '../core/batch.ts';
import type { Operator, OperatorHost } from '../core/component.ts';
import { asTidegateError } from '../core/errors.ts';
import type { ProcessingOptions } from './processing.ts';
import { ProcessorFailure } from './processor-failure.ts';
import type { ProcessorMetrics } from './processor-metrics.ts';

/** An operator on the flow with what its pipeline knows of it. */
export interface PlacedOperator extends Operator {
  /** Where it is in the configuration of its pipeline, as `processors[0].dedupe`; its label where it has one. */
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
  /** An error that came with the batches is not this operator's. */
  let foreign: unknown;
  const counted$ = batches$.pipe(
    map((batch) => {
      metrics?.receive(batch.length);
      return batch;
    }),
    catchError((error: unknown) => {
      foreign = error;
      return throwError(() => error);
    }),
  );
  return defer(() => operator.apply(counted$, host)).pipe(
    map((batch) => {
      const length = lengthOf(batch);
      metrics?.out(length);
      return batch;
    }),
    catchError((error: unknown) =>
      throwError(() => (error === foreign ? error : asTidegateError(error, 'TG_FLOW_FAILED', place))),
    ),
  );
}

function lengthOf(batch: Partial<Batch> | undefined): number {
  if (!Array.isArray(batch?.messages)) throw new TypeError('it gave something that is not a Batch');
  return batch.messages.length;
}
