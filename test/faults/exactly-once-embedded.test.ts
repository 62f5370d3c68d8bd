import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import type { Log } from '../../src/core/log.ts';
import { Message } from '../../src/core/message.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createStats } from '../../src/telemetry/stats.ts';
import { createEmbeddedLog } from '../../src/transports/embedded/index.ts';
import { type GatewayProcess, startGateway, until } from '../helpers/gateway-process.ts';

const KILLS = Number(process.env.FAULTS_KILLS ?? 8);
const PARTITIONS = 3;
/** More than the gateway copies until its last kill. */
const RECORDS = 2_000 * KILLS;
const KEYS = 50;
/** A batch of a partition is read, and its results are stored, in one piece. */
const STORED_AT_ONCE = 30;
/** Every so many records one is not JSON. */
const BAD = 97;
const START = 1_700_000_000_000;
const SECOND = 1_000;
/** The window of the count, and the records of a key in it: each record is a second later than the one before it. */
const WINDOW = 1_000 * SECOND;
/** Milliseconds of work between the start of a gateway and its kill. */
const LONGEST_LIFE = 150;

/** Small transactions, one behind the other: a kill nearly always meets one. */
const CONFIG = `
log: { driver: embedded, embedded: { path: "\${DATA_DIR}" } }
admin: { port: "\${ADMIN_PORT}" }
pipelines:
  copy:
    source: { topic: { names: [numbers], group: copy, from: earliest } }
    exactly_once: true
    transaction: { interval: 1ms }
    batch: { count: 10 }
    in_flight: { messages: 20 }
    processors: [ { map: { json: "\${! { 'n': json.n } }" } } ]
    sink: { all: [ { topic: { name: one } }, { topic: { name: other } } ] }
    on_error: { dead_letter: bad }
  count:
    source: { topic: { names: [numbers], group: count, from: earliest } }
    exactly_once: true
    transaction: { interval: 1ms }
    batch: { count: 50 }
    in_flight: { messages: 200 }
    processors: [ { window: { tumbling: 1000s, time: "\${! json.at }", lateness: 100s, aggregate: { n: count } } } ]
    sink: { topic: { name: counts } }
    on_error: { skip: true }
`;

/** Opens the log of a gateway that has ended, as the next one does. */
async function within<T>(path: string, act: (log: Log) => Promise<T>): Promise<T> {
  const parts = { logger: createLogger({ level: 'silent' }), stats: createStats(), clock: systemClock };
  const log = createEmbeddedLog({ path, ...parts });
  await log.open();
  try {
    return await act(log);
  } finally {
    await log.close();
  }
}

async function textsIn(log: Log, topic: string): Promise<string[]> {
  const texts: string[] = [];
  const ends = await log.admin.offsets(topic);
  const reader = log.reader({ topics: [topic], from: 'earliest' });
  reader.batches$.subscribe(({ messages }) => texts.push(...messages.map(({ text }) => text)));
  const isRead = () =>
    ends.every(({ partition, latest }) => (reader.positions().get(topic)?.get(partition) ?? 0) >= latest);
  await until(isRead, 20_000, () => `${topic} is not read`);
  await reader.close();
  return texts;
}

const isBad = (n: number) => n % BAD === 0;
const recordOf = (n: number) => {
  const value = isBad(n) ? `bad ${n}` : JSON.stringify({ n, at: START + Math.floor(n / KEYS) * SECOND });
  return new Message(Buffer.from(value), { key: `k${n % KEYS}` });
};

/** Stores the numbers; resolves with those of each partition, in their order. */
async function fill(log: Log): Promise<Map<number, number[]>> {
  for (const name of ['numbers', 'one', 'other', 'bad', 'counts'])
    await log.admin.create({ name, partitions: PARTITIONS, replication: 1 });
  const lane = log.lane('numbers', { retrying() {}, recovered() {}, duplicatesPossible() {} });
  const partitions = new Map<number, number[]>();
  for (let from = 0; from < RECORDS; from += STORED_AT_ONCE) {
    const length = Math.min(STORED_AT_ONCE, RECORDS - from);
    const messages = Array.from({ length }, (_, at) => recordOf(from + at));
    assert.deepEqual(await lane.send(messages), []);
    for (const [at, { partition }] of messages.entries())
      partitions.set(partition, [...(partitions.get(partition) ?? []), from + at]);
  }
  const end = START + 1_000 * WINDOW;
  const ends = Array.from({ length: KEYS }, (_, key) => JSON.stringify({ n: RECORDS + key, at: end }));
  const last = ends.map((text, key) => new Message(Buffer.from(text), { key: `k${key}` }));
  assert.deepEqual(await lane.send(last), []);
  for (const [key, { partition }] of last.entries()) partitions.get(partition)?.push(RECORDS + key);
  return partitions;
}

/** What is committed of the numbers, in their order. */
async function committedOf(log: Log, numbers: ReadonlyMap<number, number[]>): Promise<number[]> {
  const offsets = await log.admin.committed('copy', 'numbers');
  return [...numbers].flatMap(([partition, some]) => some.slice(0, offsets.get(partition) ?? 0)).sort((a, b) => a - b);
}

const numbersIn = async (log: Log, topic: string) =>
  (await textsIn(log, topic)).map((text) => Number(/\d+/.exec(text)?.[0])).sort((a, b) => a - b);

/** All results of what is committed are there once, and none of anything else: no transaction is torn or open. */
async function checkCopies(log: Log, numbers: ReadonlyMap<number, number[]>, when: string): Promise<number> {
  const committed = await committedOf(log, numbers);
  const good = committed.filter((n) => !isBad(n) || n >= RECORDS);
  assert.deepEqual(await numbersIn(log, 'one'), good, `copies ${when}`);
  assert.deepEqual(await numbersIn(log, 'other'), good, `other copies ${when}`);
  const bad = committed.filter((n) => isBad(n) && n < RECORDS);
  assert.deepEqual(await numbersIn(log, 'bad'), bad, `dead letters ${when}`);
  return committed.length;
}

function expectedCounts(): Map<string, number> {
  const counts = new Map<string, number>();
  for (let n = 0; n < RECORDS; n += 1) {
    if (isBad(n)) continue;
    const at = START + Math.floor(n / KEYS) * SECOND;
    const window = `k${n % KEYS} ${Math.floor(at / WINDOW) * WINDOW}`;
    counts.set(window, (counts.get(window) ?? 0) + 1);
  }
  return counts;
}

test('a gateway on the embedded log that is killed in transactions leaves all or nothing of each', async (t) => {
  const path = mkdtempSync(join(tmpdir(), 'tidegate-once-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  const dataDir = join(path, 'data');
  const config = join(path, 'gateway.yaml');
  writeFileSync(config, CONFIG);
  const numbers = await within(dataDir, fill);
  const start = (): Promise<GatewayProcess> => startGateway(t, { args: ['run', config], dataDir });
  const progress: number[] = [];
  for (let kill = 0; kill < KILLS; kill += 1) {
    const gateway = await start();
    await gateway.ready();
    await new Promise((resolve) => setTimeout(resolve, Math.random() * LONGEST_LIFE));
    await gateway.stop('SIGKILL');
    progress.push(await within(dataDir, (log) => checkCopies(log, numbers, `after kill ${kill + 1}`)));
  }
  t.diagnostic(`records that were committed at each kill: ${progress.join(', ')}`);
  assert.ok(new Set(progress).size > KILLS / 2, 'most kills met a gateway that had work to do');
  const last = await start();
  const total = RECORDS + KEYS;
  await until(
    async () => {
      const { body } = await last.get('/metrics');
      const lags = [...body.matchAll(/^tidegate_consumer_lag\{.*\} (\d+)$/gm)].map(([, lag]) => Number(lag));
      return lags.length === 2 * PARTITIONS && lags.every((lag) => lag === 0);
    },
    90_000,
    () => `not all is copied\n${last.output().slice(-2_000)}`,
  );
  assert.equal(await last.stop(), 0);
  await within(dataDir, async (log) => {
    assert.equal(await checkCopies(log, numbers, 'at the end'), total);
    const counts = (await textsIn(log, 'counts')).map((text) => JSON.parse(text) as Record<string, string | number>);
    const found = counts.map(({ key, start: begin, n }) => [`${key} ${begin}`, n] as const);
    assert.equal(new Set(found.map(([window]) => window)).size, found.length, 'each window is there once');
    assert.deepEqual(new Map(found), expectedCounts());
  });
});
