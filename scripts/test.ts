import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type KafkaService, startKafka } from '../test/services/kafka.ts';
import { slowestOf } from './slowest-files.ts';
import { grouped, isSlow, sourceOf } from './test-groups.ts';

/*
 * Runs the compiled tests: `npm test`, or `npm test -- unit/core e2e/kafka` for files whose path holds one of the words.
 * Soak tests run only when they are asked for: `npm run soak`, or `npm run soak -- rolling` for some of them. They include
 * the properties, which draw fresh cases there. `npm run test:unit` leaves out what needs other programs or takes long, for the
 * inner loop. One Kafka is started for all files that need one.
 */

interface Stage {
  readonly folders: readonly string[];
  /** A folder below them that is a stage of its own. */
  readonly except?: string;
  readonly concurrency: number;
  readonly kafka: boolean;
  /** Many of its files run in one process (scripts/test-groups.ts). */
  readonly isGrouped?: boolean;
  /** Its tests start brokers, gateways or browsers: what fails is tried once more, alone on the machine. */
  readonly isTriedAgain?: boolean;
}

/** Gateways in the process of their tests, with real ports and sockets. */
const LIBRARY = 'unit/library';

/**
 * Suites by what they need. Those of a line run one after the other, the lines beside each other: contracts and faults mostly
 * wait, while the others keep the processors busy. Within a stage the order is that of the paths, so the longest file of all,
 * contract/kafka, begins first. Tests that open browsers run one file at a time.
 */
const LINES: readonly (readonly Stage[])[] = [
  [
    { folders: ['unit', 'property'], except: LIBRARY, concurrency: 2, kafka: false, isGrouped: true },
    { folders: [LIBRARY], concurrency: 2, kafka: false, isGrouped: true, isTriedAgain: true },
    { folders: ['e2e'], concurrency: 4, kafka: true, isTriedAgain: true },
    { folders: ['soak'], concurrency: 1, kafka: true },
  ],
  [
    { folders: ['contract', 'faults'], concurrency: 3, kafka: true, isTriedAgain: true },
    { folders: ['browser'], concurrency: 1, kafka: false, isTriedAgain: true },
  ],
];

const MOST_TRIED_AGAIN = 6;
const SCRATCH = mkdtempSync(join(tmpdir(), 'tidegate-tests-'));
const FAILED_FILES = join(SCRATCH, 'failed');
const FILE_TIMES = join(SCRATCH, 'times');
process.once('exit', () => rmSync(SCRATCH, { recursive: true, force: true }));

/** The usual report; files with a failed test are listed in FAILED_FILES, and how long each took in FILE_TIMES. */
const OPTIONS: string[] = [
  ...['--enable-source-maps', '--test', '--test-force-exit', '--import=./dist/test/helpers/no-early-end.js'],
  ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
  ...['--test-reporter=./dist/scripts/file-report.js', '--test-reporter-destination=stdout'],
];

const isSoak = process.argv[2] === 'soak';
const isQuick = process.argv[2] === 'quick';
// Many more cases of each property, which are fresh ones.
if (isSoak) process.env.RUNS ??= '1000';
else OPTIONS.push('--import=./dist/test/helpers/fixed-seeds.js');
const words = process.argv.slice(isSoak || isQuick ? 3 : 2);
const files = testFiles('dist/test').filter(
  (file) => belongs(file) && (words.length === 0 || words.some((word) => file.includes(word))),
);

if (files.length === 0) {
  console.error(`no test file matches ${words.join(', ')}`);
  process.exit(1);
}

// An interrupted run takes its broker along: the exit listener of startKafka ends it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

let kafka: Promise<KafkaService | undefined> | undefined;
const lines = LINES.filter((stages) => stages.some((stage) => filesOf(stage).length > 0));
/** Files whose tests failed and are to be tried again. */
const failed = new Set<string>();
const passed = await Promise.all(lines.map(runLine));
const isGood = passed.every(Boolean) && (await tryAgain());
await (await kafka)?.stop();
console.log(slowestOf(existsSync(FILE_TIMES) ? readFileSync(FILE_TIMES, 'utf8') : ''));
process.exit(isGood ? 0 : 1);

/** The first line's output comes as it is made, that of the others in one piece when a stage of theirs is over. */
async function runLine(stages: readonly Stage[], line: number): Promise<boolean> {
  let passed = true;
  for (const stage of stages) {
    const some = filesOf(stage);
    if (some.length === 0) continue;
    if (stage.kafka) {
      kafka ??= sharedKafka();
      await kafka;
    }
    const entries = stage.isGrouped ? grouped(some, SCRATCH) : some;
    const isGood = await run(entries, stage.concurrency, line > 0);
    if (isGood) continue;
    const again = stage.isTriedAgain ? failedOf(some) : [];
    for (const file of again) failed.add(file);
    passed = again.length > 0 && passed;
  }
  return passed;
}

/** The files of a stage in which a test failed: all of them where one failed in a file that several share. */
function failedOf(some: readonly string[]): readonly string[] {
  const listed = existsSync(FAILED_FILES) ? readFileSync(FAILED_FILES, 'utf8').trim().split('\n') : [];
  const known = listed.map((file) => (file.startsWith('dist/') ? file : `dist/${file.replace(/\.ts$/, '.js')}`));
  const folders = new Set(some.map((file) => dirname(file)));
  const own = known.filter((file) => folders.has(dirname(file)));
  return own.every((file) => some.includes(file)) ? own : some;
}

/** One more try, alone on the machine, for a few tests of real processes. More than a few are no accident. */
async function tryAgain(): Promise<boolean> {
  if (failed.size === 0) return true;
  const names = [...failed].join(', ');
  if (failed.size > MOST_TRIED_AGAIN) return false;
  console.log(`\n== tried again, alone: ${names}`);
  const isGood = await run([...failed], 1, false);
  console.log(isGood ? `== failed once, and passed when tried again: ${names}` : `== failed twice: ${names}`);
  return isGood;
}

function filesOf({ folders, except }: Stage): string[] {
  const isIn = (file: string, folder: string) => file.startsWith(`dist/test/${folder}/`);
  return files.filter(
    (file) => folders.some((folder) => isIn(file, folder)) && (except === undefined || !isIn(file, except)),
  );
}

/** Properties belong to both: `npm test` draws the same cases every time. */
function belongs(file: string): boolean {
  if (isQuick) return /^dist\/test\/(unit|property)\//.test(file) && !isSlow(readFileSync(sourceOf(file), 'utf8'));
  const isOfSoak = file.startsWith('dist/test/soak/');
  return isSoak ? isOfSoak || file.startsWith('dist/test/property/') : !isOfSoak;
}

/** The compiler leaves the output of a file that was moved or deleted where it is: only tests that have a source count. */
function testFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => join(folder, file))
    .filter((file) => file.endsWith('.test.js') && existsSync(sourceOf(file)))
    .sort();
}

/** A broker for the whole run, unless a person gives one. Where it cannot start, the tests that need it say so. */
async function sharedKafka(): Promise<KafkaService | undefined> {
  const given = process.env.KAFKA_BROKERS;
  if (given !== undefined && given !== '') {
    console.log(`tests use the Kafka at ${given}`);
    return undefined;
  }
  try {
    const kafka = await startKafka({ quick: true });
    console.log(
      `tests use a Kafka of their own at ${kafka.brokers}, Jaeger ${process.env.JAEGER_URL ?? process.env.JAEGER_BIN ?? 'from the PATH'}`,
    );
    process.env.TIDEGATE_TEST_KAFKA = kafka.brokers;
    return kafka;
  } catch (error) {
    console.error(`no Kafka for the tests: ${(error as Error).message}`);
    return undefined;
  }
}

async function run(some: readonly string[], concurrency: number, isHeldBack: boolean): Promise<boolean> {
  const output: Buffer[] = [];
  const child = spawn(process.execPath, [...OPTIONS, `--test-concurrency=${concurrency}`, ...some], {
    stdio: ['inherit', isHeldBack ? 'pipe' : 'inherit', 'inherit'],
    env: { ...process.env, FAILED_FILES, FILE_TIMES },
  });
  child.stdout?.on('data', (chunk: Buffer) => output.push(chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  process.stdout.write(Buffer.concat(output));
  return code === 0;
}
