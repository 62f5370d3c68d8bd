/*
 * What a feed of compressed messages costs: `npm run bench:decompress`. One connection brings JSON of 200 B as fast as it is
 * taken, into a pipeline that drops it: plain, gzip and zlib, and gzip whose messages are compared with two forms of a ping.
 * The gateway is this process; the server has another core.
 */
import { type ConfigObject, createGateway } from '../src/index.ts';
import { Child, modulePath } from './child.ts';
import type { Packing } from './clients/packed-feed-server.ts';
import { median } from './numbers.ts';
import { machine } from './report.ts';

const ROUNDS = 3;
/** Where the gateway says how far it is. */
const ADMIN_PORT = 18_099;
const WARM_UP = 1_500;
const WINDOW = 3_000;

const reply = [
  { when: '${! $exists(json.ping) }', message: { pong: '${! json.ping }' } },
  { when: { op: 'ping' }, message: { op: 'pong' } },
];
const CONTENDERS: Readonly<Record<string, { readonly packing: Packing; readonly settings: object }>> = {
  plain: { packing: 'plain', settings: {} },
  gzip: { packing: 'gzip', settings: { decompress: 'gzip' } },
  'gzip, auto': { packing: 'gzip', settings: { decompress: 'auto' } },
  'zlib, deflate': { packing: 'deflate', settings: { decompress: 'deflate' } },
  'gzip, two replies': { packing: 'gzip', settings: { decompress: 'gzip', heartbeat: { reply } } },
};

interface Figures {
  /** Messages a second. */
  readonly rate: number;
  /** Microseconds of CPU of all threads, a message. */
  readonly cpu: number;
}

async function measure({ packing, settings }: { packing: Packing; settings: object }): Promise<Figures> {
  const server = new Child(modulePath('./clients/packed-feed-server'));
  const url = await server.ask<string>('listen', packing);
  const source = { websocket_client: { url, ...settings } };
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
    const before = { at: performance.now(), settled: await settled(), cpu: process.cpuUsage() };
    await pause(WINDOW);
    const messages = (await settled()) - before.settled;
    const { user, system } = process.cpuUsage(before.cpu);
    return { rate: (messages * 1_000) / (performance.now() - before.at), cpu: (user + system) / messages };
  } finally {
    await gateway.stop();
    await server.stop('SIGKILL');
  }
}

async function settled(): Promise<number> {
  const metrics = await (await fetch(`http://127.0.0.1:${ADMIN_PORT}/metrics`)).text();
  return Number(/^tidegate_remote_settled_total\{[^}]*\} (\d+)/m.exec(metrics)?.[1]);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

const figures = new Map<string, Figures[]>();
for (let round = 0; round < ROUNDS; round += 1)
  for (const [name, contender] of Object.entries(CONTENDERS))
    figures.set(name, [...(figures.get(name) ?? []), await measure(contender)]);

console.log(`${ROUNDS} rounds of ${WINDOW} ms, ${machine()}\n`);
for (const [name, rounds] of figures) {
  const rate = median(rounds.map((one) => one.rate));
  const cpu = median(rounds.map((one) => one.cpu));
  console.log(
    `${name.padEnd(20)} ${rate.toFixed(0).padStart(8)} msg/s ${cpu.toFixed(2).padStart(8)} us of CPU a message`,
  );
}
