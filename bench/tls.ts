/*
 * What TLS costs: `npm run bench:tls`. Full handshakes up to an open WebSocket, as fast as some clients make them, and the
 * memory of connections that are idle; the gateway beside plain Node with `https` and `ws`, in turn. The clients have the
 * other core, so a server that makes more handshakes a second than they can shows less CPU for each.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { Authority } from '../test/helpers/certificates.ts';
import { modulePath } from './child.ts';
import { median } from './numbers.ts';
import { cpuSeconds, residentBytes } from './process-figures.ts';

const ROUNDS = 3;
const SECONDS = 2;
const AT_ONCE = 16;
/** Connections that are open before memory is measured. */
const WARM_UP = 200;
const IDLE = 500;
const CONTENDERS = ['gateway', 'plain'] as const;
type Contender = (typeof CONTENDERS)[number];

interface Figures {
  readonly handshakes: number;
  readonly micros: number;
  readonly bytes: number;
}

const cleanups: (() => void)[] = [];
const authority = new Authority({ after: (cleanup) => void cleanups.push(cleanup) });
const { cert, key } = authority.issue({ name: 'bench' });
const ca = authority.cert;

async function start(contender: Contender): Promise<{ child: ChildProcess; url: string }> {
  const env = { ...process.env, CONTENDER: contender, TLS_CERT: cert, TLS_KEY: key };
  const child = fork(modulePath('tls-server'), [], { env });
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return { child, url: `wss://127.0.0.1:${port}/ws` };
}

/** Without a session of before: each one is a full handshake. */
async function open(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url, { ca, perMessageDeflate: false });
  await once(socket, 'open');
  return socket;
}

async function measure(contender: Contender): Promise<Figures> {
  const { child, url } = await start(contender);
  const pid = child.pid ?? 0;
  const bytes = await bytesOfIdle(pid, url);
  const { handshakes, micros } = await rateOf(pid, url);
  child.kill('SIGKILL');
  await once(child, 'exit');
  return { handshakes, micros, bytes };
}

/** Memory of a connection, in a process that had no more of them before. */
async function bytesOfIdle(pid: number, url: string): Promise<number> {
  const opened = async (count: number) => {
    const sockets: WebSocket[] = [];
    while (sockets.length < count) sockets.push(...(await Promise.all(Array.from({ length: 50 }, () => open(url)))));
    await pause(500);
    return sockets;
  };
  const first = await opened(WARM_UP);
  const before = residentBytes(pid);
  const idle = await opened(IDLE);
  const bytes = (residentBytes(pid) - before) / IDLE;
  for (const socket of [...first, ...idle]) socket.terminate();
  await pause(500);
  return bytes;
}

async function rateOf(pid: number, url: string): Promise<Pick<Figures, 'handshakes' | 'micros'>> {
  let made = 0;
  const connectUntil = async (end: number) => {
    while (performance.now() < end) {
      (await open(url)).terminate();
      made += 1;
    }
  };
  const [cpu, begun] = [cpuSeconds(pid), performance.now()];
  await Promise.all(Array.from({ length: AT_ONCE }, () => connectUntil(begun + SECONDS * 1_000)));
  const seconds = (performance.now() - begun) / 1_000;
  return { handshakes: made / seconds, micros: ((cpuSeconds(pid) - cpu) * 1e6) / made };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

const figures: Record<Contender, Figures[]> = { gateway: [], plain: [] };
for (let round = 0; round < ROUNDS; round++)
  for (const contender of CONTENDERS) figures[contender].push(await measure(contender));
console.log('| server | TLS handshakes/s | us of CPU a handshake | KiB a connection |\n|---|---|---|---|');
for (const contender of CONTENDERS) {
  const column = (of: (one: Figures) => number) => {
    const values = figures[contender].map(of);
    const [least, most] = [Math.min(...values), Math.max(...values)].map(Math.round);
    return `${Math.round(median(values))} (${least} to ${most})`;
  };
  console.log(
    `| ${contender} | ${column((one) => one.handshakes)} | ${column((one) => one.micros)} | ${column((one) => one.bytes / 1_024)} |`,
  );
}
for (const cleanup of cleanups) cleanup();
