import { dirname } from 'node:path';
import type { PlacedTest } from '../../config/tests/load-tests.ts';
import type { PipelineTest } from '../../config/tests/tests-schema.ts';
import type { InputStep } from '../forall/plan.ts';
import { simulateForall, simulateInput } from '../forall/simulated-runs.ts';
import type { SimulatedConfig } from '../simulation/simulated-config.ts';
import { inputOf } from './received.ts';
import type { Failure } from './result.ts';

/** A test with `hold`: its invariants are judged for its input, or for what `forall` draws. `seed`: in place of its own. */
export async function runPropertyTest(
  { locate }: PlacedTest,
  { name, pipeline, forall, hold = [], input = [], mocks }: PipelineTest,
  config: SimulatedConfig,
  seed: number | undefined,
): Promise<readonly Failure[]> {
  const options = { config, mocks, directory: dirname(locate([]).file) };
  const failing = (sentence: string) => ({ path: 'hold', place: locate(['hold']), what: { sentence } });
  if (forall === undefined) {
    const { broken } = await simulateInput({ pipeline, steps: input.map(stepOf), hold }, options);
    return broken === undefined ? [] : [failing(broken)];
  }
  const { failure } = await simulateForall({ name, pipeline, forall, hold }, { ...options, seed });
  if (failure === undefined) return [];
  const { sentence, entry } = failure;
  return [entry === undefined ? failing(sentence) : { ...failing(sentence), details: entry }];
}

function stepOf(step: NonNullable<PipelineTest['input']>[number]): InputStep {
  return 'after' in step || 'fault' in step ? step : { message: inputOf(step) };
}
