import { existsSync } from 'node:fs';
import {
  beyondCeiling,
  ConfigError,
  describeCeiling,
  formatProblem,
  type GatewayConfig,
  loadConfig,
  memoryCeiling,
  sourcesOf,
} from '../config/index.ts';
import { testedFileOf, testsFileOf } from '../config/tests/test-files.ts';
import { TidegateError } from '../core/errors.ts';
import type { InnerSink } from '../sdk/define.ts';

export interface LintOptions {
  /** Warnings count as mistakes, and secrets in the file are warnings. */
  readonly strict?: boolean;
}

/** Checks files, each by itself with its tests. Resolves with the exit code: 1 where one of them has a mistake. */
export async function lintFiles(files: readonly string[], { strict = false }: LintOptions = {}): Promise<number> {
  let mistakes = 0;
  for (const file of new Set(files.map(testedFileOf))) mistakes += await lintFile(file, strict);
  if (mistakes > 0) console.error(`tidegate: ${mistakes === 1 ? '1 mistake' : `${mistakes} mistakes`}`);
  return mistakes > 0 ? 1 : 0;
}

/** Prints what a file does, or what is wrong with it; resolves with the number of mistakes. */
async function lintFile(file: string, strict: boolean): Promise<number> {
  try {
    // Whether the embedded log may be chosen here depends on where the gateway will run, not on where it is linted.
    const { config, warnings, hasTests = false } = await loadConfig(file, { production: null, strict });
    for (const warning of warnings) console.error(formatProblem(warning));
    const tests = await countTests(file, config, hasTests);
    const doubts = strict ? warnings.filter(({ severity }) => severity === 'warning').length : 0;
    if (doubts === 0) console.log(`${file}: ok\n${describe(config, tests)}`);
    return doubts;
  } catch (error) {
    if (!(error instanceof TidegateError)) throw error;
    console.error(error instanceof ConfigError ? error.message : `${error.message} (${error.code})`);
    return error instanceof ConfigError ? error.problems.filter(({ severity }) => severity === 'error').length : 1;
  }
}

/** Checks the tests of a file, and of the one beside it; the modules for that are loaded where there are some. */
async function countTests(file: string, config: GatewayConfig, hasTests: boolean): Promise<number> {
  if (!hasTests && !existsSync(testsFileOf(file))) return 0;
  const { loadTests } = await import('../config/tests/load-tests.ts');
  return (await loadTests(file, config)).length;
}

function describe(config: GatewayConfig, tests: number): string {
  const { log, listeners, endpoints, pipelines } = config;
  const lines: [string, string][] = [['log', describeLog(log)]];
  const served = new Map<string, string[]>(Object.keys(listeners).map((name) => [name, []]));
  for (const { listener, path, codec } of Object.values(endpoints))
    served.get(listener)?.push(`${path.join(' and ')} (${codec.spec.name})`);
  for (const [name, { port }] of Object.entries(listeners)) {
    const paths = served.get(name)?.join(', ') || 'no endpoint';
    lines.push(['listener', `${name} on port ${port}: ${paths}`]);
  }
  for (const [name, pipeline] of Object.entries(pipelines)) {
    const sources = sourcesOf(pipeline).map(({ chosen }) => chosen.spec.name);
    lines.push(['pipeline', `${name}: ${sources.join(' + ')} -> ${wordsOf(pipeline.sink)}`]);
  }
  if (tests > 0) lines.push(['tests', `${tests}, for tidegate test`]);
  lines.push(['memory', describeCeiling(memoryCeiling(config))]);
  for (const beyond of beyondCeiling(config)) lines.push(['', beyond]);
  return lines.map(([word, text]) => `  ${word.padEnd(9)} ${text}`).join('\n');
}

/** The sink with those within it: `route(topic, drop)`. */
function wordsOf({ spec, config }: InnerSink): string {
  const inner = spec.inner?.(config).map(({ value }) => wordsOf(value as InnerSink)) ?? [];
  return inner.length === 0 ? spec.name : `${spec.name}(${inner.join(', ')})`;
}

function describeLog({ driver, brokers, embedded }: GatewayConfig['log']): string {
  if (driver === 'kafkajs') return `kafkajs, ${brokers.join(', ')}`;
  return `embedded, ${embedded.memory ? 'in memory' : embedded.path}`;
}
