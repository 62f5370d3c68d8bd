import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Cleanup, freePort, until } from '../helpers/gateway-process.ts';
import { missingService } from './missing.ts';

/** A real proxy in front of gateways, with the file of deploy/proxies. */
export interface ReverseProxy {
  readonly port: number;
  /** What it answers with where no gateway is there. */
  readonly statusOfNone: number;
  output(): string;
  /** Takes these gateways from now on, as an operator does it: without a stop. Open sockets stay. */
  reload(gateways: readonly number[]): Promise<void>;
}

export interface ProxyOptions {
  /** Ports of the gateways. */
  readonly gateways: readonly number[];
  /** What the idle times of the file are divided by, so that a test need not wait for minutes. */
  readonly divisor?: number;
}

/** How one proxy program is run. */
export interface ProxyProgram {
  readonly file: string;
  readonly statusOfNone: number;
  /** The configuration in `folder`, from the repository's own text. */
  configure(folder: string, port: number, options: ProxyOptions): string;
  command(config: string): readonly string[];
  /** Signal by which it reads its configuration again. */
  readonly reload: NodeJS.Signals;
}

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../' : '../../', import.meta.url));

export function fileOf(name: string): string {
  return join(ROOT, 'deploy/proxies', name);
}

export function textOf(name: string): string {
  return readFileSync(fileOf(name), 'utf8');
}

/** A file that no longer has what is replaced would be tested with something else than it says. */
export function replaced(text: string, what: RegExp, by: string | ((...found: string[]) => string)): string {
  if (!what.test(text)) throw new Error(`nothing in the file fits ${what}`);
  return text.replace(what, by as string);
}

const IDLE_TIMES = /\b((?:proxy_read_|proxy_send_|send_)timeout|timeout (?:client|server|tunnel)) (\d+)s\b/g;

/** With all idle times divided, by the names that they have in nginx and HAProxy. */
export function shortened(text: string, divisor: number): string {
  return replaced(
    text,
    IDLE_TIMES,
    (_, name = '', seconds = '') => `${name} ${Math.round((Number(seconds) * 1_000) / divisor)}ms`,
  );
}

/** The program that a variable names, or the one on the PATH; servers are often where only root's PATH leads. */
export function programOf(variable: string, name: string): string {
  const given = process.env[variable];
  if (given !== undefined && given !== '') return given;
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  const found = folders.map((folder) => join(folder, name)).find(isExecutable);
  if (found === undefined) throw new Error(`install ${name} (Debian: apt-get install ${name}), or set ${variable}`);
  return found;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Starts the proxy that is installed; where there is none, the test is skipped, and fails in CI. */
export async function requireProxy(
  t: TestContext,
  name: string,
  program: () => ProxyProgram,
  options: ProxyOptions,
): Promise<ReverseProxy | undefined> {
  try {
    return await startProxy(t, program(), await freePort(), options);
  } catch (error) {
    return missingService(t, name, error);
  }
}

/** Starts it on a port of loopback, and waits until it listens; the test's end stops it. */
async function startProxy(
  t: Cleanup,
  program: ProxyProgram,
  port: number,
  options: ProxyOptions,
): Promise<ReverseProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-proxy-'));
  const config = join(folder, program.file);
  const write = (gateways: readonly number[]) =>
    writeFileSync(config, program.configure(folder, port, { ...options, gateways }));
  write(options.gateways);
  const [command = '', ...args] = program.command(config);
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-20_000);
    });
  }
  const exited = once(child, 'exit');
  t.after(async () => {
    // Both end their workers at once on this one; SIGKILL would leave the workers behind.
    child.kill('SIGTERM');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  });
  await listening(port, child, () => output);
  return {
    port,
    statusOfNone: program.statusOfNone,
    output: () => output,
    reload: async (gateways) => {
      write(gateways);
      const before = workersOf(child.pid);
      child.kill(program.reload);
      await until(
        () => workersOf(child.pid).some((worker) => !before.includes(worker)),
        10_000,
        () => `the proxy does not load its configuration again: ${output}`,
      );
    },
  };
}

async function listening(port: number, child: ChildProcess, output: () => string): Promise<void> {
  await until(
    async () => {
      if (child.exitCode !== null) throw new Error(`the proxy ended with ${child.exitCode}: ${output()}`);
      return answers(port);
    },
    20_000,
    () => `the proxy does not listen: ${output()}`,
  );
}

async function answers(port: number): Promise<boolean> {
  const socket = createConnection({ port, host: '127.0.0.1' });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

function workersOf(pid: number | undefined): string[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
}
