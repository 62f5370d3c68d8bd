import { dirname } from 'node:path';
import { formatPath, type Path } from '../../config/problem/problem.ts';
import type { PlacedTest } from '../../config/tests/load-tests.ts';
import type { PipelineTest } from '../../config/tests/tests-schema.ts';
import { TidegateError } from '../../core/errors.ts';
import { judgesOf } from '../forall/judges.ts';
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
  let place: Path = ['hold'];
  try {
    // Made again for each run; here it tells a schema that an invariant names from that of the messages.
    judgesOf(hold, options.directory);
    if (forall === undefined) {
      const { broken } = await simulateInput({ pipeline, steps: input.map(stepOf), hold }, options);
      return broken === undefined ? [] : [failing(broken)];
    }
    place = ['forall', 'schema'];
    const { failure } = await simulateForall({ name, pipeline, forall, hold }, { ...options, seed });
    if (failure === undefined) return [];
    const { sentence, entry } = failure;
    return [entry === undefined ? failing(sentence) : { ...failing(sentence), details: entry }];
  } catch (error) {
    if (!(error instanceof TidegateError) || error.code !== 'TG_CONFIG_INVALID') throw error;
    return [{ path: formatPath(place), place: locate(place), what: { sentence: error.message } }];
  }
}

function stepOf(step: NonNullable<PipelineTest['input']>[number]): InputStep {
  return 'after' in step || 'fault' in step ? step : { message: inputOf(step) };
}
