/*
 * How many records a second a pipeline takes from topic to topic, on the embedded log in memory (/dev/shm): without
 * processors, with some, with a windowed count, and exactly once. `npm run bench:engine -- --records 500000 --repeats 5`.
 * The contenders take turns in each round; medians with their spread are printed.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type ConfigObject, createGateway, type Gateway } from '../src/index.ts';
import { median } from './numbers.ts';
import { machine } from './report.ts';

const { values } = parseArgs({
  options: { records: { type: 'string', default: '500000' }, repeats: { type: 'string', default: '5' } },
});
const RECORDS = Number(values.records);
const REPEATS = Number(values.repeats);
const PARTITIONS = 6;
const ROOM = process.platform === 'linux' ? '/dev/shm' : tmpdir();

const schema = { type: 'object', required: ['id', 'user'], properties: { id: { type: 'integer' } } };
const CONTENDERS: Record<string, object> = {
  plain: {},
  processors: {
    processors: [
      { validate: { schema } },
      { filter: { keep: '${! json.total > 0 }' } },
      { map: { json: '${! { "id": json.id, "who": json.user, "total": json.total } }' } },
      { headers: { set: { who: '${! json.who }' } } },
    ],
  },
  window: { processors: [{ window: { tumbling: '1m', time: '${! json.at }', aggregate: { n: 'count' } } }] },
};

async function main(): Promise<void> {
  const filled = mkdtempSync(join(ROOM, 'tidegate-bench-'));
  try {
    await fill(filled);
    const rates = new Map<string, number[]>(Object.keys(CONTENDERS).map((name) => [name, []]));
    for (let round = 0; round < REPEATS; round += 1)
      for (const [name, pipeline] of Object.entries(CONTENDERS)) rates.get(name)?.push(await measure(filled, pipeline));
    print(rates);
  } finally {
    rmSync(filled, { recursive: true });
  }
}

function print(rates: ReadonlyMap<string, readonly number[]>): void {
  const plain = rates.get('plain') ?? [];
  console.log(`${RECORDS} records of ${PARTITIONS} partitions, ${REPEATS} rounds, ${machine()}\n`);
  console.log('| records/s | least | most | beside plain | pipeline |\n|---|---|---|---|---|');
  for (const [name, list] of rates) {
    const ratio = median(list.map((rate, at) => rate / (plain[at] ?? Number.NaN)));
    const figures = [median(list), Math.min(...list), Math.max(...list)].map((rate) => Math.round(rate));
    console.log(`| ${figures.join(' | ')} | ${ratio.toFixed(2)} | ${name} |`);
  }
}

function configOf(path: string, pipelines: object): ConfigObject {
  const topics = { in: { partitions: PARTITIONS }, out: { partitions: PARTITIONS } };
  return { log: { driver: 'embedded', embedded: { path }, topics }, pipelines } as ConfigObject;
}

async function fill(path: string): Promise<void> {
  const gateway = await started(configOf(path, {}));
  const topic = gateway.topic('in');
  let pending: Promise<unknown>[] = [];
  for (let id = 0; id < RECORDS; id += 1) {
    const value = JSON.stringify({ id, user: `user-${id % 1_000}`, total: (id % 100) + 1, at: 1_700_000_000_000 + id });
    pending.push(topic.publish({ key: `user-${id % 1_000}`, value }));
    if (pending.length < 10_000) continue;
    await Promise.all(pending);
    pending = [];
  }
  await Promise.all(pending);
  await gateway.stop();
}

/** Records a second, from the first one that is processed to the last commit. */
async function measure(filled: string, pipeline: object): Promise<number> {
  const path = mkdtempSync(join(ROOM, 'tidegate-bench-'));
  try {
    cpSync(filled, path, { recursive: true });
    const source = { topic: { names: ['in'], group: 'bench', from: 'earliest' } };
    const config = configOf(path, { bench: { source, ...pipeline, sink: { topic: { name: 'out' } } } });
    const begun = performance.now();
    const gateway = await started(config);
    while (lagOf(gateway) > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    const seconds = (performance.now() - begun) / 1_000;
    await gateway.stop();
    return RECORDS / seconds;
  } finally {
    rmSync(path, { recursive: true });
  }
}

function lagOf(gateway: Gateway): number {
  const [group] = gateway.inspect().groups;
  if (group === undefined || group.partitions.length < PARTITIONS) return Number.POSITIVE_INFINITY;
  return group.partitions.reduce((sum, { lag }) => sum + lag, 0);
}

async function started(config: ConfigObject): Promise<Gateway> {
  const gateway = await createGateway({ config });
  await gateway.start();
  await gateway.ready();
  return gateway;
}

await main();
