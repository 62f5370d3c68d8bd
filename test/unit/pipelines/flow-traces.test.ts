import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEVER, Subject } from 'rxjs';
import type { Batch } from '../../../src/core/batch.ts';
import { buildFlow, type Stage } from '../../../src/pipelines/flow.ts';
import { HandClock } from '../core/hand-clock.ts';
import { SettleLog } from '../core/settle-log.ts';
import { batchOf, countingOptions, HandSink, inFlightOf } from './parts.ts';

/** How many steps the trace of one batch has in a flow of these stages. */
function steps(...stages: Stage[]): number {
  const source = new Subject<Batch>();
  const flush = new Subject<void>();
  const { counts, options } = countingOptions();
  buildFlow(source, {
    inFlight: inFlightOf().inFlight,
    batch: { count: 100, bytes: 1_000_000, period: 60_000 },
    stages,
    sink: new HandSink(),
    processing: options,
    flush$: flush,
    opened$: NEVER,
    clock: new HandClock(),
  }).subscribe();
  source.next(batchOf(new SettleLog().message('a')));
  flush.next();
  assert.equal(counts.ended, counts.traced);
  return counts.traced;
}

test('a trace has one step for each run of processors, none for an operator, one if there is neither', () => {
  const processors = { processors: [] };
  const operator: Stage = { operator: { place: 'processors[0].flow', apply: (batches$) => batches$ } };
  assert.deepEqual(
    [steps(), steps(processors), steps(operator), steps(processors, operator, processors)],
    [1, 1, 0, 2],
  );
});
