/*
 * What many connections cost: `npm run bench:shards`. 1,000 symbols on one connection and on 20, with the same messages at
 * the same rate, into a pipeline that drops them, in turn. The gateway is this process; the server has another core. One
 * rate is the highest that both hold on this machine, which is looked for first; it means something only if nothing else runs on it. It
 * takes less than three minutes.
 */
import { type ConfigObject, createGateway } from '../src/index.ts';
import { Child, modulePath } from './child.ts';
import { median } from './numbers.ts';
import { machine } from './report.ts';

const ADMIN_PORT = 18_098;
/** Milliseconds. */
const WARM_UP = 1_200;
const WINDOW = 2_000;
const TRIAL = 1_500;
const LONGEST_CONNECT = 10_000;
/** Messages a second of all symbols: the first ones are tried from the highest on. */
const HIGH_RATES = [60_000, 50_000, 40_000, 32_000, 25_000];
const HIGH_ROUNDS = 8;
const LOW_RATE = 10_000;
const LOW_ROUNDS = 5;
/** Milliseconds from the start after which no further round begins, once there are some: a busy machine takes longer. */
const HIGH_UNTIL = 100_000;
const LOW_UNTIL = 150_000;
const FEWEST_ROUNDS = 3;
/** The part of the messages that has to come for a rate to be held. */
const HELD = 0.97;
const CONNECTIONS = [1, 20] as const;
const GOAL = 1.2;
const LIST = Array.from({ length: 1_000 }, (_, n) => `S${n}`);

type Count = (typeof CONNECTIONS)[number];

interface Figures {
  /** Microseconds of CPU of all threads, a message. */
  readonly cpu: number;
  /** The part of the messages that came. */
  readonly held: number;
}

async function measure(connections: Count, rate: number, window: number): Promise<Figures> {
  const server = new Child(modulePath('./clients/sharded-feed-server'));
  const url = await server.ask<string>('listen', rate);
  const shards = { list: LIST, per_connection: LIST.length / connections, connect_interval: '10ms' };
  const source = { websocket_client: { url, shards, subscribe: { sub: '${! meta.shard.symbols }' } } };
  const gateway = await createGateway({
    config: {
      log: { driver: 'embedded', embedded: { memory: true } },
      admin: { port: ADMIN_PORT },
      pipelines: { feed: { source, sink: { drop: {} } } },
    } as ConfigObject,
  });
  try {
    await gateway.start();
    await connected(connections);
    await pause(WARM_UP);
    const before = { at: performance.now(), settled: await figure('settled_total'), cpu: process.cpuUsage() };
    await pause(window);
    const messages = (await figure('settled_total')) - before.settled;
    const { user, system } = process.cpuUsage(before.cpu);
    return {
      cpu: (user + system) / messages,
      held: (messages * 1_000) / (rate * (performance.now() - before.at)),
    };
  } finally {
    await gateway.stop();
    await server.stop('SIGKILL');
  }
}

async function connected(connections: Count): Promise<void> {
  const end = performance.now() + LONGEST_CONNECT;
  while ((await figure('shards_live')) !== connections) {
    if (performance.now() > end) throw new Error(`not all ${connections} connections are live`);
    await pause(50);
  }
}

async function figure(name: string): Promise<number> {
  const metrics = await (await fetch(`http://127.0.0.1:${ADMIN_PORT}/metrics`)).text();
  return Number(new RegExp(`^tidegate_remote_${name}\\{[^}]*\\} (\\d+)`, 'm').exec(metrics)?.[1]);
}

/** The highest rate that both hold. */
async function highestRate(): Promise<number> {
  for (const rate of HIGH_RATES) {
    const held: number[] = [];
    for (const count of CONNECTIONS) held.push((await measure(count, rate, TRIAL)).held);
    const shown = CONNECTIONS.map((count, at) => `${percent(held[at] ?? 0)} on ${count}`).join(', ');
    console.log(`${rate} msg/s: ${shown}`);
    if (Math.min(...held) >= HELD) return rate;
  }
  throw new Error(`this machine does not hold ${HIGH_RATES.at(-1)} msg/s`);
}

/** Rounds in turn; every other one begins with the other contender. */
async function compare(rate: number, times: number, until: number): Promise<void> {
  const rounds: Record<Count, Figures>[] = [];
  for (let round = 0; round < times; round += 1) {
    if (round >= FEWEST_ROUNDS && performance.now() > until) break;
    const order = round % 2 === 0 ? CONNECTIONS : [...CONNECTIONS].reverse();
    const found: [Count, Figures][] = [];
    for (const connections of order) found.push([connections, await measure(connections, rate, WINDOW)]);
    rounds.push(Object.fromEntries(found) as Record<Count, Figures>);
  }
  const lowest = Math.min(...rounds.flatMap((round) => CONNECTIONS.map((count) => round[count].held)));
  console.log(`\n${rate} msg/s, ${rounds.length} rounds, of which at least ${percent(lowest)} came in each round`);
  for (const count of CONNECTIONS)
    console.log(`  ${count} at a time: ${spread(rounds.map((round) => round[count].cpu))} us of CPU a message`);
  const ratios = rounds.map((round) => round[20].cpu / round[1].cpu);
  console.log(`  20 connections to one: ${spread(ratios)} times; the goal is at most ${GOAL}`);
}

/** The median, and the lowest and the highest. */
function spread(values: readonly number[]): string {
  const [middle, low, high] = [median(values), Math.min(...values), Math.max(...values)];
  return `${middle.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
}

function percent(part: number): string {
  return `${(part * 100).toFixed(0)} %`;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

console.log(`rounds of ${WINDOW} ms, ${LIST.length} symbols, ${machine()}\n`);
// The compiler of V8 has its work done when it counts.
await measure(20, LOW_RATE, WINDOW);
await compare(await highestRate(), HIGH_ROUNDS, HIGH_UNTIL);
await compare(LOW_RATE, LOW_ROUNDS, LOW_UNTIL);
