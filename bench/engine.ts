/*
 * How many records a second a pipeline takes from topic to topic, on the embedded log in memory (/dev/shm) and on a real Kafka:
 * without processors, exactly once, with processors, and with a windowed count; and the bytes of state that a key of that
 * count takes. `npm run bench:engine -- --records 500000 --repeats 5 --log embedded --log kafka --keys 1000000`.
 * The contenders take turns in each round; medians with their spread are printed.
 */
import { parseArgs } from 'node:util';
import { type BenchLog, embeddedLog, kafkaLog, PARTITIONS } from './engine/bench-logs.ts';
import { CONTENDERS, recordOf } from './engine/contenders.ts';
import { measure, publish, startedGateway } from './engine/gateways.ts';
import { bytesPerKey } from './engine/state-memory.ts';
import { median } from './numbers.ts';
import { machine } from './report.ts';

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '500000' },
    repeats: { type: 'string', default: '5' },
    log: { type: 'string', multiple: true, default: ['embedded', 'kafka'] },
    /** 0: memory is not measured. */
    keys: { type: 'string', default: '1000000' },
  },
});
const RECORDS = Number(values.records);
const REPEATS = Number(values.repeats);

async function main(): Promise<void> {
  console.log(`${RECORDS} records of ${PARTITIONS} partitions, ${REPEATS} rounds, ${machine()}`);
  if (values.log.includes('embedded')) await compare(embeddedLog());
  if (values.log.includes('kafka')) await compare(await kafkaLog());
  const keys = Number(values.keys);
  const bytes = keys > 0 ? await bytesPerKey(keys) : undefined;
  if (bytes !== undefined)
    console.log(`\n${Math.round(bytes)} bytes of state a key, of ${keys} keys in a windowed count`);
}

async function compare(bench: BenchLog): Promise<void> {
  try {
    const gateway = await startedGateway({ log: bench.filling, pipelines: {} });
    await publish(gateway, RECORDS, recordOf);
    await gateway.stop();
    const rates = new Map<string, number[]>(Object.keys(CONTENDERS).map((name) => [name, []]));
    // The first round does not count: code is compiled in it, also that of a broker.
    for (let round = 0; round <= REPEATS; round += 1)
      for (const [name, pipeline] of Object.entries(CONTENDERS)) {
        const rate = await measure(bench, pipeline, RECORDS);
        if (round > 0) rates.get(name)?.push(rate);
      }
    print(bench.name, rates);
  } finally {
    await bench.close();
  }
}

function print(log: string, rates: ReadonlyMap<string, readonly number[]>): void {
  const plain = rates.get('plain') ?? [];
  console.log(`\n| records/s | least | most | beside plain | pipeline, ${log} |\n|---|---|---|---|---|`);
  for (const [name, list] of rates) {
    const ratio = median(list.map((rate, at) => rate / (plain[at] ?? Number.NaN)));
    const figures = [median(list), Math.min(...list), Math.max(...list)].map((rate) => Math.round(rate));
    console.log(`| ${figures.join(' | ')} | ${ratio.toFixed(2)} | ${name} |`);
  }
}

await main();
