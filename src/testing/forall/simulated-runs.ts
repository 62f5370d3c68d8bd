import type { Invariant } from '../../config/schema/hold-schema.ts';
import type { OutputMessage } from '../simulation/messages.ts';
import type { Mocks } from '../simulation/mocks.ts';
import type { SimulatedConfig } from '../simulation/simulated-config.ts';
import { Simulation } from '../simulation/simulation.ts';
import { judgesOf, sentenceOf, violationIn } from './judges.ts';
import type { Observed } from './observed.ts';
import type { InputStep } from './plan.ts';
import { type ForallResult, type ForallTest, runForall } from './run-forall.ts';
import { PipelineRun } from './run-steps.ts';

export interface SimulatedOptions {
  readonly config: SimulatedConfig;
  /** Where files of schemas are: that of the YAML file. */
  readonly directory: string;
  readonly mocks?: Mocks | undefined;
}

/** A test with `input` and `hold`. */
export interface HeldInput {
  readonly pipeline: string;
  readonly steps: readonly InputStep[];
  readonly hold: readonly Invariant[];
}

/** A test with `forall`: each run is a gateway of its own. Rejects as `runForall` does. */
export function simulateForall(
  test: ForallTest,
  options: SimulatedOptions & { readonly seed?: number | undefined },
): Promise<ForallResult> {
  const run = async (steps: readonly InputStep[]) => (await runOnce(test.pipeline, steps, options)).observed;
  return runForall(test, { run, directory: options.directory, seed: options.seed });
}

/** Runs an input, with faults in it, once: what came out, and which of `hold` is broken, in one sentence. */
export async function simulateInput(
  { pipeline, steps, hold }: HeldInput,
  options: SimulatedOptions,
): Promise<{ readonly output: ReadonlyMap<string, readonly OutputMessage[]>; readonly broken: string | undefined }> {
  const judges = judgesOf(hold, options.directory);
  const { observed, output } = await runOnce(pipeline, steps, options);
  const violation = await violationIn(observed, judges);
  return { output, broken: violation === undefined ? undefined : sentenceOf(violation) };
}

async function runOnce(
  pipeline: string,
  steps: readonly InputStep[],
  { config, mocks = {} }: SimulatedOptions,
): Promise<{ readonly observed: Observed; readonly output: ReadonlyMap<string, readonly OutputMessage[]> }> {
  const run = new PipelineRun(pipeline, config.config);
  const simulation = await Simulation.start(config, { mocks, watcher: run });
  try {
    await run.run(simulation, steps);
    return { observed: run.observed(), output: simulation.output() };
  } finally {
    await simulation.stop().catch(() => undefined);
  }
}
