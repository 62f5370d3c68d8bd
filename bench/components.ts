/*
 * What each processor and operator costs a message: `npm run bench:components`. Every titled example with one message to
 * work on has its turn in each round; no log and no socket is involved. It prints medians of the rounds with their spread.
 */
import { lastValueFrom, Subject, tap } from 'rxjs';
import { builtinRegistry } from '../src/config/index.ts';
import { Batch } from '../src/core/batch.ts';
import { systemClock } from '../src/core/clock.ts';
import { Message } from '../src/core/message.ts';
import { buildFlow } from '../src/pipelines/flow.ts';
import { InFlightMessages } from '../src/pipelines/in-flight.ts';
import { type ComponentConfig, compileStages } from '../src/pipelines/stages.ts';
import type { ComponentContext } from '../src/sdk/context.ts';
import { type ExampleMessage, titledExample } from '../src/sdk/example.ts';
import { createLogger } from '../src/telemetry/logger.ts';
import { createStats } from '../src/telemetry/stats.ts';
import { NO_TRACING } from '../src/telemetry/tracing.ts';
import { median } from './numbers.ts';

const ROUNDS = 5;
const MESSAGES = 20_000;
const BATCH = 100;

interface Case {
  readonly name: string;
  readonly entries: readonly ComponentConfig[];
  readonly make: () => Message;
  readonly micros: number[];
}

const PLAIN: ExampleMessage = '{"id":7,"user":"ada","total":12.5,"at":1700000000000}';

function cases(): Case[] {
  const registry = builtinRegistry();
  const found: Case[] = [{ name: 'no processor', entries: [], make: maker(PLAIN), micros: [] }];
  for (const spec of [...registry.all('processor'), ...registry.all('operator')]) {
    for (const example of spec.examples.map((one) => titledExample(one))) {
      const input = example?.input;
      if (example === undefined || typeof input === 'undefined') continue;
      const one = Array.isArray(input) ? (input as ExampleMessage[])[0] : (input as ExampleMessage);
      const isFailure = typeof example.output === 'object' && example.output !== null && 'error' in example.output;
      if (one === undefined || isFailure) continue;
      const entries = [{ spec, config: spec.config.parse(example.config) }];
      found.push({ name: `${spec.name}: ${example.title}`, entries, make: maker(one), micros: [] });
    }
  }
  return found;
}

function maker(example: ExampleMessage): () => Message {
  if (typeof example === 'string') {
    const payload = Buffer.from(example);
    return () => new Message(payload);
  }
  const { text = '', base64, key = null, headers = {} } = example;
  const payload = base64 === undefined ? Buffer.from(text) : Buffer.from(base64, 'base64');
  const list = Object.entries(headers);
  return () => new Message(payload, { key, headers: list });
}

async function run({ entries, make }: Case): Promise<number> {
  const context = {
    path: 'bench',
    logger: createLogger({ level: 'silent' }),
    stats: createStats(),
    tracing: NO_TRACING,
    clock: systemClock,
  } as Partial<ComponentContext> as ComponentContext; // none of them asks for the gateway
  const stages = compileStages(entries, { contextOf: () => context });
  const limits = { messages: 1_000_000, bytes: 2 ** 40 };
  const nothing = () => {};
  const inFlight = new InFlightMessages(limits, () => false, {
    gateChanged: nothing,
    messageSettled: nothing,
    emptied: nothing,
  });
  const source$ = new Subject<Batch>();
  const never$ = new Subject<void>();
  const flow$ = buildFlow(source$, {
    inFlight,
    batch: { count: BATCH, bytes: 2 ** 30, period: 0 },
    stages,
    sink: { idle: true, idle$: never$ },
    processing: {
      retries: 0,
      pause: async () => {},
      retried: nothing,
      filtered: nothing,
      skipped: nothing,
      trace: () => nothing,
    },
    flush$: never$,
    opened$: never$,
    clock: systemClock,
  });
  const acked$ = flow$.pipe(
    tap(({ messages }) => {
      for (const message of messages) message.ack();
    }),
  );
  const over = lastValueFrom(acked$, { defaultValue: undefined });
  const batches = Array.from({ length: MESSAGES / BATCH }, () => new Batch(Array.from({ length: BATCH }, make)));
  const begun = performance.now();
  for (const batch of batches) source$.next(batch);
  source$.complete();
  await over;
  return ((performance.now() - begun) * 1_000) / MESSAGES;
}

const all = cases();
for (const one of all) await run(one);
for (let round = 0; round < ROUNDS; round += 1) for (const one of all) one.micros.push(await run(one));
console.log('| us a message | least | most | component |\n|---|---|---|---|');
for (const { name, micros } of all)
  console.log(
    `| ${median(micros).toFixed(2)} | ${Math.min(...micros).toFixed(2)} | ${Math.max(...micros).toFixed(2)} | ${name} |`,
  );
