import { existsSync } from 'node:fs';
import { z } from 'zod';
import { readSource } from '../config-source.ts';
import { PathSet } from '../path-set.ts';
import { parseSettings } from '../problem/parse.ts';
import { ConfigError, type Finding, failing, type Path, type Problem } from '../problem/problem.ts';
import type { GatewayConfig } from '../schema/schema.ts';
import type { Environment } from '../yaml/interpolate.ts';
import { lintTests } from './lint-tests.ts';
import { testsFileOf } from './test-files.ts';
import { type TestCase, testsSchema } from './tests-schema.ts';

/** Where something is written. */
export type Place = Pick<Problem, 'file' | 'line' | 'column'>;

/** A test, and where it and its parts are. */
export interface PlacedTest {
  readonly test: TestCase;
  /** `path`: within the test, such as `['output', 'orders', 0]`. */
  readonly locate: (path: Path) => Place;
}

interface TestsOfFile {
  readonly tests: readonly PlacedTest[];
  readonly problems: readonly Problem[];
}

/**
 * The tests of a configuration: those in the file, then those of the file beside it (`orders_test.yaml` of `orders.yaml`).
 * `config`: what is in the file besides. Throws ConfigError with every mistake in the tests, and TG_CONFIG_UNREADABLE.
 */
export async function loadTests(
  file: string,
  config: GatewayConfig,
  env: Environment = process.env,
): Promise<readonly PlacedTest[]> {
  const beside = testsFileOf(file);
  const files = existsSync(beside) ? [file, beside] : [file];
  const found: TestsOfFile[] = [];
  for (const one of files) found.push(await testsIn(one, one === beside, config, env));
  const problems = found.flatMap(({ problems: some }) => some);
  if (problems.length > 0) throw new ConfigError(problems);
  return found.flatMap(({ tests }) => tests);
}

const section = z.object({ tests: testsSchema });

async function testsIn(file: string, isBeside: boolean, config: GatewayConfig, env: Environment): Promise<TestsOfFile> {
  const { source } = await readSource(file, env);
  const { value, positions } = source;
  const findings = isBeside ? [...source.findings, ...strangers(value)] : source.findings.filter(isOfTests);
  const given = (value as { readonly tests?: unknown } | undefined)?.tests ?? [];
  const parsed = parseSettings<{ readonly tests: readonly TestCase[] }>(section, { tests: given });
  const spoiled = new PathSet(source.spoiled);
  findings.push(...parsed.findings.filter(({ path }) => !spoiled.covers(path)));
  const tests = parsed.config?.tests ?? [];
  if (findings.length === 0) findings.push(...lintTests(tests, config));
  const locate = (path: Path) => {
    const [{ line, column } = { line: 0, column: 0 }] = positions.problems([failing(path, '')]);
    return { file, line, column };
  };
  return {
    tests: tests.map((test, at) => ({ test, locate: (path) => locate(['tests', at, ...path]) })),
    problems: positions.problems(findings),
  };
}

function isOfTests({ path }: Finding): boolean {
  return path[0] === 'tests';
}

/** A file of tests has nothing else in it: a pipeline there would be run by nothing. */
function strangers(value: unknown): Finding[] {
  if (typeof value !== 'object' || value === null) return [];
  const others = Object.keys(value).filter((key) => key !== 'tests');
  if (others.length === 0 && 'tests' in value) return [];
  if (others.length === 0)
    return [failing([], 'has no tests; a file whose name ends in _test has tests: and nothing else')];
  return others.map((key) =>
    failing(
      [key],
      'a file whose name ends in _test has tests: and nothing else; move this to the file that is tested',
      {
        at: 'key',
      },
    ),
  );
}
