import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { get, type RequestOptions } from 'node:https';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A gateway in its own process, as an operator runs it. */
export interface GatewayProcess {
  readonly port: number;
  readonly adminPort: number;
  readonly process: ChildProcess;
  readonly dataDir: string;
  /** Everything printed so far. */
  output(): string;
  /** Sends a signal and resolves with the exit code; null when the signal ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /** Resolves when /ready says 200. */
  ready(timeout?: number): Promise<void>;
  get(path: string): Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export interface GatewayProcessOptions {
  /** Path of a configuration, from the root of the repository. */
  readonly config?: string;
  /** What `bin/tidegate` is called with, in place of `run` and a configuration. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly dataDir?: string;
  readonly port?: number;
  /** Files that it may have open, sockets among them. */
  readonly openFiles?: number;
  /** PEM of the authority of the admin port, where that port speaks TLS. */
  readonly adminCa?: string;
}

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../' : '../../', import.meta.url));

/** Where cleaning up is left to: a test's context, or a suite's own list. */
export interface Cleanup {
  after(cleanup: () => Promise<void>): void;
}

/** Starts `bin/tidegate` on free ports and waits until its ports answer; the test's end kills it. */
export async function startGateway(t: Cleanup, options: GatewayProcessOptions = {}): Promise<GatewayProcess> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'tidegate-'));
  const port = options.port ?? (await freePort());
  const adminPort = await freePort();
  const args = options.args ?? ['run', join(ROOT, options.config ?? 'config/gateway.yaml')];
  const command = [process.execPath, join(ROOT, 'bin/tidegate'), ...args] as const;
  const limited = ['sh', '-c', `ulimit -n ${options.openFiles}; exec "$0" "$@"`, ...command] as const;
  const [program, ...rest] = options.openFiles === undefined ? command : limited;
  const child = spawn(program, rest, {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      PORT: String(port),
      ADMIN_PORT: String(adminPort),
      ROOMS_PORT: '0',
      DATA_DIR: dataDir,
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const collect = (chunk: Buffer) => {
    output += chunk.toString();
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  t.after(async () => {
    child.kill('SIGKILL');
    await exited;
    if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
  });
  const askAdmin = async (path: string) => {
    // On a connection of its own: one that was kept may be closed by the gateway while a test is too busy to see it.
    const answer =
      options.adminCa === undefined
        ? plainAnswer(`http://127.0.0.1:${adminPort}${path}`)
        : secureAnswer(`https://127.0.0.1:${adminPort}${path}`, { ca: options.adminCa });
    return await answer.catch((error: Error) => {
      throw new Error(`${path} was not answered: ${error.cause ?? error.message}\n${output.slice(-2_000)}`);
    });
  };
  const gateway: GatewayProcess = {
    port,
    adminPort,
    process: child,
    dataDir,
    output: () => output,
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal);
      const [code] = await exited;
      return code;
    },
    ready: (timeout = 90_000) =>
      until(
        async () => (await askAdmin('/ready').catch(() => undefined))?.status === 200,
        timeout,
        () => `the gateway is not ready:\n${output}`,
      ),
    get: askAdmin,
  };
  await until(
    async () => {
      if (child.exitCode !== null) throw new Error(`the gateway ended with ${child.exitCode}:\n${output}`);
      return (await askAdmin('/health').catch(() => undefined))?.status === 200;
    },
    60_000,
    () => `the gateway does not answer:\n${output}`,
  );
  return gateway;
}

async function plainAnswer(url: string): Promise<Answer> {
  const response = await fetch(url, { headers: { connection: 'close' } });
  return { status: response.status, body: await response.text() };
}

/** By HTTPS, with the authority that `fetch` takes none of. */
export async function secureAnswer(url: string, options: RequestOptions): Promise<Answer> {
  const [response] = (await once(get(url, { agent: false, ...options }), 'response')) as [IncomingMessage];
  let body = '';
  for await (const bytes of response) body += bytes;
  return { status: response.statusCode ?? 0, body };
}

/** Polls what cannot be awaited otherwise: another process. */
export async function until(
  condition: () => Promise<boolean> | boolean,
  timeout: number,
  what: () => string,
): Promise<void> {
  const end = Date.now() + timeout;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(what());
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

// Below the range that the kernel takes for outgoing connections (from 32768 on Linux): there a client's socket could
// take the port between this look and the bind of a broker that needs seconds to start.
const LOWEST_PORT = 15_000;
const HIGHEST_PORT = 32_000;

/** Ports of one process, in a row. */
const SLICE = 200;
const SLICES = Math.floor((HIGHEST_PORT - LOWEST_PORT) / SLICE);
let slice: Promise<number> | undefined;
let taken = 0;

/**
 * A port that is free now, for a process that cannot bind port 0 and say what it got. No other test process gets it: a gateway
 * that is to start again finds its port free.
 */
export async function freePort(): Promise<number> {
  slice ??= ownSlice();
  const first = await slice;
  for (;;) {
    const port = first + 1 + (taken % (SLICE - 1));
    taken += 1;
    const server = await listening(port);
    if (server === undefined) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

/** The first port of a slice is held as long as the process lives, so that no other one takes the slice. */
async function ownSlice(): Promise<number> {
  for (let at = process.pid; ; at += 1) {
    const first = LOWEST_PORT + (at % SLICES) * SLICE;
    const guard = await listening(first);
    if (guard === undefined) continue;
    guard.unref();
    return first;
  }
}

function listening(port: number): Promise<Server | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined));
    server.listen(port, () => resolve(server));
  });
}
