import { existsSync, readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { importersOf, modulesOf, testsOf } from './mutation/import-graph.ts';
import { isModule, type Mutant, mutantsOf } from './mutation/mutants.ts';
import { type Baseline, Workbench } from './mutation/workbench.ts';

/*
 * Puts small mistakes into compiled modules, one at a time, and says which of them no test notices that needs no broker:
 * `npm run mutate -- src/core [src/pipelines/flow.ts ...] [--sample 200] [--seed 1] [--tests 12]`.
 * A mistake is tried with the test files that reach it, among the `--tests` whose imports are nearest to the module.
 */

const WORKERS = 2;
const TESTS = ['dist/test/unit', 'dist/test/property', 'dist/test/contract'];

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    sample: { type: 'string', default: 'all' },
    seed: { type: 'string', default: '1' },
    tests: { type: 'string', default: '12' },
  },
});

/** What became of the mutants of a folder. */
interface Tally {
  mutants: number;
  killed: number;
  unreached: number;
}

interface Candidate extends Mutant {
  readonly module: string;
  readonly text: string;
}

const modules = modulesOf('dist/src').filter((module) => {
  const source = sourceOf(module);
  return (
    existsSync(source) &&
    positionals.some((path) => source === path || source.startsWith(`${path.replace(/\/$/, '')}/`))
  );
});
if (modules.length === 0) {
  console.error('no module of that name: npm run mutate -- src/core [--sample N] [--seed S] [--tests N]');
  process.exit(1);
}
const importers = importersOf(
  modulesOf('dist/src', ...TESTS).filter((module) => hasSource(module) && needsNothing(module)),
);
const candidates = picked(modules.flatMap(candidatesOf));
const benches = Array.from({ length: WORKERS }, () => new Workbench());
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
process.once('exit', () => {
  for (const bench of benches) bench.close();
});
const baselines = await measured(new Set(candidates.flatMap(({ module }) => nearest(module))));
const tallies = new Map<string, Tally>();
let tried = 0;
const rest = candidates.values();
await Promise.all(benches.map(work));
for (const [folder, { mutants, killed, unreached }] of [...tallies].sort())
  console.log(
    `${folder}: ${mutants} mutants, ${killed} killed (${((killed * 100) / mutants).toFixed(1)} %), ${unreached} that no test reaches`,
  );

function candidatesOf(module: string): Candidate[] {
  const text = readFileSync(module, 'utf8');
  return mutantsOf(text).map((mutant) => ({ ...mutant, module, text }));
}

/** A sample that is the same for the same seed, in the order of the code. */
function picked(all: Candidate[]): Candidate[] {
  if (values.sample === 'all') return all;
  let state = Number(values.seed);
  // A linear congruential generator is random enough to choose lines.
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state;
  };
  for (let warmUp = 0; warmUp < 8; warmUp += 1) random();
  const drawn = all.map((candidate, at) => ({ candidate, at, rank: random() })).sort((a, b) => a.rank - b.rank);
  const sample = drawn.slice(0, Number(values.sample)).sort((a, b) => a.at - b.at);
  return sample.map(({ candidate }) => candidate);
}

function nearest(module: string): string[] {
  return testsOf(module, importers).slice(0, Number(values.tests));
}

/** Runs each test file as it is. One that fails so is left out. */
async function measured(tests: ReadonlySet<string>): Promise<ReadonlyMap<string, Baseline>> {
  const found = new Map<string, Baseline>();
  const files = tests.values();
  const measure = async (bench: Workbench) => {
    for (const file of files) found.set(file, await bench.baseline(file));
  };
  await Promise.all(benches.map(measure));
  for (const { file, passes } of found.values()) if (!passes) console.error(`${file} fails as it is, and is left out`);
  return found;
}

async function work(bench: Workbench): Promise<void> {
  for (const candidate of rest) {
    const { module, text, start, end, replacement } = candidate;
    const mutated = text.slice(0, start) + replacement + text.slice(end);
    if (!isModule(mutated)) continue;
    const tests = nearest(module)
      .flatMap((file) => baselines.get(file) ?? [])
      .filter((baseline) => baseline.passes && baseline.reaches(module, start))
      .sort((one, other) => one.milliseconds - other.milliseconds);
    const isKilled = await bench.kills(module, mutated, tests);
    const isUnreached = tests.length === 0;
    count(dirname(sourceOf(module)), isKilled, isUnreached);
    if (!isKilled) {
      const change = `${text.slice(start, end).replace(/\s+/g, ' ').slice(0, 80)}  ->  ${replacement.slice(0, 80)}`;
      console.log(`${placeOf(module, text, start)}  ${change}${isUnreached ? '  (no test reaches it)' : ''}`);
    }
    tried += 1;
    if (tried % 50 === 0) console.error(`${tried} of ${candidates.length}`);
  }
}

function count(folder: string, isKilled: boolean, isUnreached: boolean): void {
  const tally = tallies.get(folder) ?? { mutants: 0, killed: 0, unreached: 0 };
  tally.mutants += 1;
  if (isKilled) tally.killed += 1;
  if (isUnreached) tally.unreached += 1;
  tallies.set(folder, tally);
}

/** File and line of the source that an offset of a compiled module comes from. */
function placeOf(module: string, text: string, offset: number): string {
  const before = text.slice(0, offset).split('\n');
  const payload = JSON.parse(readFileSync(`${module}.map`, 'utf8')) as SourceMapPayload;
  const entry = new SourceMap(payload).findEntry(before.length - 1, before.at(-1)?.length ?? 0);
  return `${sourceOf(module)}:${'originalLine' in entry ? entry.originalLine + 1 : '?'}`;
}

function sourceOf(module: string): string {
  return module.replace(/^dist\//, '').replace(/\.js$/, '.ts');
}

function hasSource(module: string): boolean {
  return existsSync(sourceOf(module));
}

/** Whether a test file runs without a broker. */
function needsNothing(module: string): boolean {
  return !/\/contract\/(kafka|connect)/.test(module);
}
