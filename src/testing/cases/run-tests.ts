import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, type Problem } from '../../config/index.ts';
import { loadTests, type PlacedTest } from '../../config/tests/load-tests.ts';
import { testedFileOf } from '../../config/tests/test-files.ts';
import { isEndpointTest } from '../../config/tests/tests-schema.ts';
import { reasonOf, TidegateError } from '../../core/errors.ts';
import { SimulatedConfig } from '../simulation/simulated-config.ts';
import { Simulation } from '../simulation/simulation.ts';
import type { Failure, FileResult, TestResult } from './result.ts';
import { runEndpointTest } from './run-endpoint.ts';
import { runPipelineTest } from './run-pipeline.ts';

export interface RunOptions {
  /** Only tests with such a name are run. */
  readonly name?: RegExp | undefined;
  /** In place of the seeds of tests with `forall`. */
  readonly seed?: number | undefined;
}

/** A file that was run, with the mistakes in it where it is invalid. */
export interface RanFile extends FileResult {
  readonly problems: readonly Problem[];
}

/**
 * The configurations that are meant: of a directory all in it, of `orders_test.yaml` the one that it is for, each once. A
 * file that is not there stays in the list, and running it says so.
 */
export async function testedFiles(names: readonly string[]): Promise<readonly string[]> {
  const files: string[] = [];
  for (const name of names) {
    const isDirectory = await stat(name).then(
      (found) => found.isDirectory(),
      () => false,
    );
    const inside = isDirectory ? (await readdir(name)).filter((one) => /\.ya?ml$/.test(one)).sort() : undefined;
    files.push(...(inside?.map((one) => join(name, one)) ?? [name]));
  }
  return [...new Set(files.map(testedFileOf))];
}

/** Runs the tests of a configuration, each in a gateway of its own. Never rejects: what cannot be run is `invalid`. */
export async function runTests(file: string, options: RunOptions = {}): Promise<RanFile> {
  try {
    const simulated = await SimulatedConfig.load({ file });
    const tests = await loadTests(file, simulated.config);
    const results: TestResult[] = [];
    for (const placed of tests)
      if (options.name?.test(placed.test.name) !== false) results.push(await runTest(placed, simulated, options));
    return { file, results, problems: [] };
  } catch (error) {
    if (error instanceof ConfigError) return { file, results: [], invalid: error.message, problems: error.problems };
    if (!(error instanceof TidegateError)) throw error;
    return { file, results: [], invalid: `${error.message} (${error.code})`, problems: [] };
  }
}

async function runTest(placed: PlacedTest, config: SimulatedConfig, options: RunOptions): Promise<TestResult> {
  const { test, locate } = placed;
  const start = performance.now();
  const failures = await failuresOf(placed, config, options).catch((error: unknown): readonly Failure[] => {
    const sentence = error instanceof TidegateError ? `${error.message} (${error.code})` : reasonOf(error);
    return [{ path: '', place: locate([]), what: { sentence } }];
  });
  return { name: test.name, place: locate([]), milliseconds: performance.now() - start, failures };
}

async function failuresOf(
  placed: PlacedTest,
  config: SimulatedConfig,
  options: RunOptions,
): Promise<readonly Failure[]> {
  const { test } = placed;
  if (!isEndpointTest(test) && test.hold !== undefined) throw new Error(String(options.seed));
  const simulation = await Simulation.start(config, { mocks: test.mocks });
  try {
    return isEndpointTest(test)
      ? await runEndpointTest(placed, test, simulation)
      : await runPipelineTest(placed, test, config.config, simulation);
  } finally {
    // What is still in flight was looked at already.
    await simulation.stop().catch(() => undefined);
  }
}
