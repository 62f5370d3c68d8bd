/*
 * What many connections cost: `npm run bench:shards`. 1,000 symbols on one connection and on 20, with the same messages at
 * the same rate, into a pipeline that drops them. The gateway is this process; the server has another core.
 */
import { type ConfigObject, createGateway } from '../src/index.ts';
import { Child, modulePath } from './child.ts';
import { median } from './numbers.ts';
import { machine } from './report.ts';

const ROUNDS = 2;
const ADMIN_PORT = 18_098;
const WARM_UP = 2_500;
const WINDOW = 3_000;
/** Messages a second of all symbols. */
const RATES = [20_000, 60_000];
const CONNECTIONS = [1, 20];
const LIST = Array.from({ length: 1_000 }, (_, n) => `S${n}`);

/** Microseconds of CPU of all threads, a message. */
async function measure(connections: number, rate: number): Promise<number> {
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
    await pause(WARM_UP);
    const before = { settled: await settled(connections), cpu: process.cpuUsage() };
    await pause(WINDOW);
    const { user, system } = process.cpuUsage(before.cpu);
    const messages = (await settled(connections)) - before.settled;
    if (messages < (rate * WINDOW * 0.9) / 1_000) throw new Error(`only ${messages} messages came`);
    return (user + system) / messages;
  } finally {
    await gateway.stop();
    await server.stop('SIGKILL');
  }
}

/** Messages so far; throws if not all connections are there. */
async function settled(connections: number): Promise<number> {
  const metrics = await (await fetch(`http://127.0.0.1:${ADMIN_PORT}/metrics`)).text();
  const figure = (name: string) =>
    Number(new RegExp(`^tidegate_remote_${name}\\{[^}]*\\} (\\d+)`, 'm').exec(metrics)?.[1]);
  if (figure('shards_live') !== connections) throw new Error(`${figure('shards_live')} connections are live`);
  return figure('settled_total');
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

console.log(`${ROUNDS} rounds of ${WINDOW} ms, ${LIST.length} symbols, ${machine()}\n`);
for (const rate of RATES) {
  const costs = new Map<number, number[]>(CONNECTIONS.map((count) => [count, []]));
  for (let round = 0; round < ROUNDS; round += 1)
    for (const [count, rounds] of costs) rounds.push(await measure(count, rate));
  const [one = 1, many = 1] = [...costs.values()].map((rounds) => median(rounds));
  console.log(
    `${rate} msg/s: ${one.toFixed(2)} us of CPU a message on one connection, ${many.toFixed(2)} us on 20: ${(many / one).toFixed(2)} times`,
  );
}
