/*
 * What each processor and operator costs a message: `npm run bench:components`. Every titled example with one message to
 * work on has its turn in each round; no log is involved, and only `lookup` has a server. It prints medians of the rounds
 * with their spread. `-- --only lookup` measures those with that in their names.
 */
import { parseArgs } from 'node:util';
import { lastValueFrom, Subject, tap } from 'rxjs';
import { Batch } from '../src/core/batch.ts';
import { systemClock } from '../src/core/clock.ts';
import { buildFlow } from '../src/pipelines/flow.ts';
import { InFlightMessages } from '../src/pipelines/in-flight.ts';
import { ProcessorSet } from '../src/pipelines/processor-set.ts';
import { compileStages } from '../src/pipelines/stages.ts';
import type { ConnectedContext } from '../src/sdk/context.ts';
import { createLogger } from '../src/telemetry/logger.ts';
import { createStats } from '../src/telemetry/stats.ts';
import { type Case, cases } from './components/cases.ts';
import { startLookupServer } from './components/lookup-server.ts';
import { median } from './numbers.ts';

const { values } = parseArgs({ options: { only: { type: 'string', default: '' } } });
const ROUNDS = 5;
const BATCH = 100;

async function run({ entries, messages, make }: Case): Promise<number> {
  const context = {
    path: 'bench',
    logger: createLogger({ level: 'silent' }),
    stats: createStats(),
    clock: systemClock,
    gateway: { onStatus: () => {} } as Partial<ConnectedContext['gateway']>,
  } as Partial<ConnectedContext> as ConnectedContext; // only a lookup by HTTP asks for more, which says whether its server can be reached
  const stages = compileStages(entries, { contextOf: () => context });
  const processors = new ProcessorSet(stages);
  await processors.open();
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
  const all = Array.from({ length: messages }, (_, index) => make(index));
  const batches = Array.from(
    { length: messages / BATCH },
    (_, at) => new Batch(all.slice(at * BATCH, (at + 1) * BATCH)),
  );
  const begun = performance.now();
  for (const batch of batches) source$.next(batch);
  source$.complete();
  await over;
  const micros = ((performance.now() - begun) * 1_000) / messages;
  await processors.close();
  return micros;
}

const server = await startLookupServer();
const all = cases(server.url).filter(({ name }) => name.includes(values.only));
for (const one of all) await run(one);
for (let round = 0; round < ROUNDS; round += 1) for (const one of all) one.micros.push(await run(one));
server.close();
console.log('| us a message | least | most | component |\n|---|---|---|---|');
for (const { name, micros } of all)
  console.log(
    `| ${median(micros).toFixed(2)} | ${Math.min(...micros).toFixed(2)} | ${Math.max(...micros).toFixed(2)} | ${name} |`,
  );
