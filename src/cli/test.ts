import { reasonOf } from '../core/errors.ts';
import { githubAnnotations, problemAnnotation } from '../testing/cases/annotations.ts';
import { junitXml } from '../testing/cases/junit.ts';
import { COLOURED, PLAIN, reportFile, reportTotals } from '../testing/cases/report-text.ts';
import { totalsOf } from '../testing/cases/result.ts';
import { type RanFile, runTests, testedFiles } from '../testing/cases/run-tests.ts';
import { writeText } from './write-text.ts';

export interface TestOptions {
  /** Regular expression: only tests whose name has a match of it. */
  readonly name?: string;
  readonly seed?: number;
  /** File for the report in the format of JUnit. */
  readonly junit?: string;
  readonly watch?: boolean;
}

/** The exit codes of `tidegate test`. */
const PASSED = 0;
const FAILED = 1;
const NOT_RUN = 2;

/** Runs the tests of configurations, and resolves with the exit code. */
export async function testFiles(names: readonly string[], options: TestOptions): Promise<number> {
  if (options.watch === true) return await (await import('./test-watch.ts')).watchTests(names);
  let name: RegExp | undefined;
  try {
    name = options.name === undefined ? undefined : new RegExp(options.name);
  } catch (error) {
    console.error(`tidegate: --name ${reasonOf(error)}`);
    return NOT_RUN;
  }
  const paint = hasColours() ? COLOURED : PLAIN;
  const files: RanFile[] = [];
  for (const file of await testedFiles(names)) {
    const ran = await runTests(file, { name, seed: options.seed });
    files.push(ran);
    if (ran.results.length > 0 || ran.invalid !== undefined) console.log(reportFile(ran, paint));
  }
  return await conclude(files, options);
}

/** Prints what all files come to, for people and for CI systems. */
async function conclude(files: readonly RanFile[], { name, junit }: TestOptions): Promise<number> {
  const totals = totalsOf(files);
  const { passed, failed, invalid } = totals;
  if (process.env.GITHUB_ACTIONS === 'true') {
    const problems = files.flatMap((file) => file.problems.map(problemAnnotation));
    for (const line of [...problems, ...githubAnnotations(files)]) console.log(line);
  }
  const isNothing = passed + failed + invalid === 0;
  if (isNothing) console.error(`tidegate: no tests were found; ${adviceFor(name)}`);
  else console.log(`\n${reportTotals(totals, hasColours() ? COLOURED : PLAIN)}`);
  if (junit !== undefined) await writeText(junit, junitXml(files));
  if (isNothing || invalid > 0) return NOT_RUN;
  return failed > 0 ? FAILED : PASSED;
}

function adviceFor(name: string | undefined): string {
  return name === undefined
    ? 'add tests: to a file, or write FILE_test.yaml beside it'
    : `no name has a match of ${name}`;
}

/** As most programs do: on a terminal, unless NO_COLOR is set; FORCE_COLOR for terminals that are none. */
function hasColours(): boolean {
  const { NO_COLOR, FORCE_COLOR } = process.env;
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false;
  return (FORCE_COLOR !== undefined && FORCE_COLOR !== '0') || process.stdout.isTTY === true;
}
