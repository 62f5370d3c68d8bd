/*
 * The gateway beside two hand-written baselines, on one real Kafka, in one run: rounds in which every contender has
 * its turn, in an order that changes from round to round. `npm run bench -- --help` tells the options.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { startKafka } from '../test/services/kafka.ts';
import type { ContenderName } from './contenders.ts';
import { type Options, readOptions } from './options.ts';
import { fillPage, machine, markdown, type Outcome, table, verdicts } from './report.ts';
import type { Conditions, Measured, Scenario } from './scenarios/scenario.ts';
import { Topics } from './topics.ts';

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  const options = readOptions(args);
  // A page that cannot be filled should be known before, not after, the measuring.
  if (options.page !== undefined) fillPage(readFileSync(options.page, 'utf8'), '');
  const command = ['npm run bench', ...(args.length === 0 ? [] : ['--', ...args])].join(' ');
  const { brokers, stop } = await kafka();
  const topics = new Topics(brokers);
  try {
    await topics.open();
    const { warmUp, window } = options;
    const outcomes: Outcome[] = [];
    for (const scenario of options.scenarios) {
      outcomes.push(await runScenario(scenario, options.repeats, { brokers, topics, warmUp, window }));
    }
    publish(outcomes, command, options);
  } finally {
    await topics.close();
    await stop();
  }
}

async function kafka(): Promise<{ brokers: string; stop: () => Promise<unknown> }> {
  const { KAFKA_BROKERS } = process.env;
  if (KAFKA_BROKERS !== undefined && KAFKA_BROKERS !== '') return { brokers: KAFKA_BROKERS, stop: async () => {} };
  const service = await startKafka();
  return { brokers: service.brokers, stop: () => service.stop() };
}

async function runScenario(scenario: Scenario, repeats: number, conditions: Conditions): Promise<Outcome> {
  const runs = new Map<ContenderName, Measured[]>(scenario.contenders.map((name) => [name, []]));
  // One run that does not count: the broker compiles its code too, and whoever came first would pay for it.
  for (const name of scenario.contenders.slice(-1)) await scenario.run(name, conditions);
  for (let round = 0; round < repeats; round++) {
    for (const name of rotated(scenario.contenders, round)) {
      const measured = await scenario.run(name, conditions);
      runs.get(name)?.push(measured);
      console.error(`${scenario.name} ${round + 1}/${repeats} ${name}: ${describe(scenario, measured)}`);
    }
  }
  const outcome = { scenario, runs };
  console.log(`\n${scenario.title}\n\n${table(outcome)}\n`);
  for (const { text, value, passes } of verdicts(outcome)) {
    console.log(`${passes ? 'reached    ' : 'FALLS SHORT'} ${value.toFixed(2).padStart(7)}  ${text}`);
  }
  return outcome;
}

/** Whoever comes first in a round finds the machine as the last one left it; that should not be the same one always. */
function rotated<T>(items: readonly T[], by: number): T[] {
  const at = by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}

function describe({ metrics }: Scenario, measured: Measured): string {
  return metrics.map(({ name, title, digits }) => `${measured[name]?.toFixed(digits)} ${title}`).join(', ');
}

function publish(outcomes: readonly Outcome[], command: string, { json, page, ...options }: Options): void {
  const results = outcomes.map((outcome) => ({
    scenario: outcome.scenario.name,
    title: outcome.scenario.title,
    runs: Object.fromEntries(outcome.runs),
    bars: verdicts(outcome),
  }));
  const { warmUp, window } = options;
  const report = { measured: new Date().toISOString(), command, machine: machine(), warmUp, window, results };
  mkdirSync(dirname(json), { recursive: true });
  writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`);
  console.log(`\nEach single run: ${json}`);
  if (page !== undefined) writeFileSync(page, fillPage(readFileSync(page, 'utf8'), markdown(outcomes, command)));
}

await main();
