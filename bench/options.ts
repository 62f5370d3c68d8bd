import { parseArgs } from 'node:util';
import { fanout } from './scenarios/fanout.ts';
import { feed } from './scenarios/feed.ts';
import { idle } from './scenarios/idle.ts';
import { ingest } from './scenarios/ingest.ts';
import { latency } from './scenarios/latency.ts';
import { notif } from './scenarios/notif.ts';
import { rooms } from './scenarios/rooms.ts';
import type { Scenario } from './scenarios/scenario.ts';
import { topics } from './scenarios/topics.ts';

const SCENARIOS: readonly Scenario[] = [ingest, fanout, latency, idle, rooms, feed, topics, notif];

export interface Options {
  readonly scenarios: readonly Scenario[];
  readonly repeats: number;
  /** Milliseconds. */
  readonly warmUp: number;
  readonly window: number;
  /** Where the figures of every single run go. */
  readonly json: string;
  /** A page whose part between the marks is replaced by the results. */
  readonly page: string | undefined;
}

const HELP = `npm run bench -- [options]

  --scenario NAME   ${SCENARIOS.map(({ name }) => name).join(', ')}; may be given several times; all of them without it
  --repeats N       rounds, contenders interleaved in each (default 5)
  --seconds S       length of each measurement (default 8)
  --warm-up S       load before each measurement (default 4)
  --json FILE       where the figures of each run go (default dist/bench-results.json)
  --page FILE       also writes the results into this page, such as docs/performance.md

Kafka is started for the run; KAFKA_BROKERS=host:port uses another one.`;

/** Ends the process for --help, and with a message for what it does not know. */
export function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      scenario: { type: 'string', multiple: true, default: SCENARIOS.map(({ name }) => name) },
      repeats: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '8' },
      'warm-up': { type: 'string', default: '4' },
      json: { type: 'string', default: 'dist/bench-results.json' },
      page: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  return {
    scenarios: values.scenario.map(scenarioNamed),
    repeats: positive('repeats', values.repeats),
    window: positive('seconds', values.seconds) * 1_000,
    warmUp: positive('warm-up', values['warm-up']) * 1_000,
    json: values.json,
    page: values.page,
  };
}

function scenarioNamed(name: string): Scenario {
  const found = SCENARIOS.find((scenario) => scenario.name === name);
  if (found === undefined) throw new Error(`there is no scenario ${name}\n\n${HELP}`);
  return found;
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${option} needs a number above 0, not ${text}`);
  return value;
}
