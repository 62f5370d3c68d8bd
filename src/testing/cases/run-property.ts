import { dirname } from 'node:path';
import type { PlacedTest } from '../../config/tests/load-tests.ts';
import type { PipelineTest } from '../../config/tests/tests-schema.ts';
import { judgesOf, violationIn } from '../forall/judges.ts';
import type { InputStep } from '../forall/plan.ts';
import { runForall } from '../forall/run-forall.ts';
import { PipelineRun } from '../forall/run-steps.ts';
import type { RunSteps } from '../forall/smallest.ts';

import type { SimulatedConfig } from '../simulation/simulated-config.ts';
import { Simulation } from '../simulation/simulation.ts';
import { inputOf } from './received.ts';
import type { Failure } from './result.ts';

/** A test with `hold`: its invariants are judged for its input, or for what `forall` draws. `seed`: in place of its own. */
export async function runPropertyTest(
  { locate }: PlacedTest,
  test: PipelineTest,
  config: SimulatedConfig,
  seed: number | undefined,
): Promise<readonly Failure[]> {
  const { name, pipeline, forall, hold = [], input = [] } = test;
  const run = runner(test, config);
  const directory = dirname(locate([]).file);
  if (forall !== undefined) {
    const { failure } = await runForall({ name, pipeline, forall, hold }, { run, directory, seed });
    if (failure === undefined) return [];
    const { sentence, entry } = failure;
    return [
      { path: 'hold', place: locate(['hold']), what: { sentence }, ...(entry === undefined ? {} : { details: entry }) },
    ];
  }
  const violation = await violationIn(await run(input.map(stepOf)), judgesOf(hold, directory));
  if (violation === undefined) return [];
  const at = ['hold', hold.indexOf(violation.invariant)];
  return [{ path: `hold[${at[1]}]`, place: locate(at), what: { sentence: violation.message } }];
}

/** Runs steps in a gateway of their own. */
function runner({ pipeline, mocks }: PipelineTest, config: SimulatedConfig): RunSteps {
  return async (steps) => {
    const run = new PipelineRun(pipeline, config.config);
    const simulation = await Simulation.start(config, { mocks, watchSinks: run.watchSinks });
    try {
      await run.run(simulation, steps);
      return run.observed(simulation);
    } finally {
      await simulation.stop().catch(() => undefined);
    }
  };
}

function stepOf(step: NonNullable<PipelineTest['input']>[number]): InputStep {
  return 'after' in step || 'fault' in step ? step : { message: inputOf(step) };
}
