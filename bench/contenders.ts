import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Direction } from './baseline-settings.ts';
import { Child, modulePath } from './child.ts';
import { gatewayConfig, type Protocol } from './gateway-config.ts';

export type ContenderName = 'gateway' | 'careful' | 'naive' | 'bare' | 'per-socket';

export interface Surroundings {
  readonly brokers: string;
  readonly topic: string;
  readonly direction: Direction;
  readonly protocol?: Protocol;
  /** URL of a server to bring into the topic, in place of clients that come. */
  readonly feed?: string;
  /** Load what answers questions about memory. */
  readonly probeMemory?: boolean;
}

/** A process under test that is ready for load. */
export interface Contender {
  readonly name: ContenderName;
  readonly port: number;
  readonly child: Child;
  stop(): Promise<void>;
}

/** From start to the first message may take as long as a rebalance, and the machine may be busy. */
const READY_WITHIN_MS = 60_000;

export async function startContender(name: ContenderName, surroundings: Surroundings): Promise<Contender> {
  return name === 'gateway' ? startGateway(surroundings) : startBaseline(name, surroundings);
}

async function startBaseline(name: Exclude<ContenderName, 'gateway'>, around: Surroundings): Promise<Contender> {
  const port = await freePort();
  const { brokers, topic, direction, feed } = around;
  const env = { PORT: String(port), KAFKA_BROKERS: brokers, TOPIC: topic, DIRECTION: direction };
  const child = new Child(modulePath(feed === undefined ? `./${name}` : `./${name}-feed`), {
    env: feed === undefined ? env : { ...env, FEED_URL: feed },
    execArgv: probe(around),
  });
  await child.ready();
  return { name, port, child, stop: () => child.stop('SIGKILL') };
}

/** The gateway as an operator runs it: the compiled program with a configuration file. */
async function startGateway(around: Surroundings): Promise<Contender> {
  const [port, adminPort] = [await freePort(), await freePort()];
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-bench-'));
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, gatewayConfig({ ...around, port, adminPort }));
  const program = join(repositoryRoot(), 'bin', 'tidegate');
  const child = new Child(program, { args: ['run', file], env: { LOG_LEVEL: 'error' }, execArgv: probe(around) });
  await untilReady(adminPort, child);
  const stop = async () => {
    await child.stop('SIGTERM');
    rmSync(folder, { recursive: true });
  };
  return { name: 'gateway', port, child, stop };
}

function probe({ probeMemory = false }: Surroundings): string[] {
  return probeMemory ? ['--import', pathToFileURL(modulePath('./memory-probe')).href] : [];
}

async function untilReady(adminPort: number, child: Child): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadline) {
    if (child.process.exitCode !== null) throw new Error(`the gateway ended with code ${child.process.exitCode}`);
    try {
      if ((await fetch(`http://127.0.0.1:${adminPort}/ready`)).ok) return;
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the gateway did not get ready');
}

/** This file is in bench/ or in dist/bench/. */
function repositoryRoot(): string {
  const here = fileURLToPath(new URL('.', import.meta.url));
  return join(here, here.includes(`${join('dist', 'bench')}`) ? '../..' : '..');
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no free port')),
      );
    });
  });
}
