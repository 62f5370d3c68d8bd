import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type KafkaService, startKafka } from '../test/services/kafka.ts';

/*
 * Runs the compiled tests: `npm test`, or `npm test -- unit/core e2e/kafka` for files whose path holds one of the words.
 * Soak tests run only when they are asked for. One Kafka is started for all files that need one.
 */

/** Suites by what they need, in the order they run; those that open browsers run one file at a time. Faults mostly wait. */
const STAGES: readonly {
  readonly folders: readonly string[];
  readonly concurrency: number;
  readonly kafka: boolean;
}[] = [
  { folders: ['unit', 'property'], concurrency: 2, kafka: false },
  { folders: ['contract', 'e2e'], concurrency: 3, kafka: true },
  { folders: ['browser'], concurrency: 1, kafka: false },
  { folders: ['faults'], concurrency: 3, kafka: true },
  { folders: ['soak'], concurrency: 1, kafka: true },
];

const words = process.argv.slice(2);
const files = testFiles('dist/test').filter((file) =>
  words.length === 0 ? !file.startsWith('dist/test/soak/') : words.some((word) => file.includes(word)),
);

if (files.length === 0) {
  console.error(`no test file matches ${words.join(', ')}`);
  process.exit(1);
}

// An interrupted run takes its broker along: the exit listener of startKafka ends it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

let failed = false;
let kafka: KafkaService | undefined;
for (const { folders, concurrency, kafka: needsKafka } of STAGES) {
  const some = files.filter((file) => folders.some((folder) => file.startsWith(`dist/test/${folder}/`)));
  if (some.length === 0) continue;
  if (needsKafka) kafka ??= await sharedKafka();
  failed = !(await run(some, concurrency)) || failed;
}
await kafka?.stop();
process.exit(failed ? 1 : 0);

/** The compiler leaves the output of a file that was moved or deleted where it is: only tests that have a source count. */
function testFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.js') && existsSync(join('test', file.replace(/\.js$/, '.ts'))))
    .map((file) => join(folder, file))
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

async function run(some: readonly string[], concurrency: number): Promise<boolean> {
  const child = spawn(
    process.execPath,
    ['--enable-source-maps', '--test', `--test-concurrency=${concurrency}`, '--test-force-exit', ...some],
    { stdio: 'inherit' },
  );
  const [code] = (await once(child, 'exit')) as [number | null];
  return code === 0;
}
