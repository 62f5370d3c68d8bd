import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { freePort, until } from '../helpers/gateway-process.ts';
import { connectJars } from './kafka-jars.ts';
import { missingService } from './missing.ts';

/** A real Kafka Connect: one distributed worker, in its own process, with the connectors for files. */
export interface ConnectWorker {
  /** Its REST API, such as `http://127.0.0.1:8083`. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Milliseconds. It starts beside a broker, on a machine that runs other tests meanwhile. */
const START_TIMEOUT = 120_000;

/** Starts a worker with topics and a group of its own; the caller stops it. Rejects where Java or Maven are missing. */
async function startConnectWorker(brokers: string): Promise<ConnectWorker> {
  const classPath = `${await connectJars()}/*`;
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-connect-'));
  const port = await freePort();
  const properties = join(folder, 'worker.properties');
  writeFileSync(properties, workerProperties(brokers, port));
  const jvm = ['-Xmx384m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', classPath];
  const child = spawn('java', [...jvm, 'org.apache.kafka.connect.cli.ConnectDistributed', properties], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close').catch((error: unknown) => {
    throw new Error('java (17 or later) is not on the PATH', { cause: error });
  });
  // The caller may end without a stop: a test file that fails early, a run that is interrupted.
  const atExit = () => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', atExit);
  const stop = async () => {
    process.off('exit', atExit);
    atExit();
    await ended.catch(() => {});
  };
  const url = `http://127.0.0.1:${port}`;
  try {
    await Promise.race([ended, healthy(url, child)]);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, stop };
}

/** It answers before it has joined its group, but not to everything. */
async function healthy(url: string, child: ChildProcess): Promise<void> {
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-4_000);
    });
  await until(
    async () => {
      if (child.exitCode !== null) throw new Error(`Kafka Connect ended with ${child.exitCode}: ${output}`);
      return (await fetch(`${url}/health`).catch(() => undefined))?.status === 200;
    },
    START_TIMEOUT,
    () => `Kafka Connect does not answer: ${output}`,
  );
}

function workerProperties(brokers: string, port: number): string {
  const name = `connect-${port}-${process.pid}`;
  const storage = (kind: string) => ({
    [`${kind}.storage.topic`]: `${name}-${kind}s`,
    [`${kind}.storage.replication.factor`]: '1',
  });
  const properties = {
    'bootstrap.servers': brokers,
    'group.id': name,
    listeners: `http://127.0.0.1:${port}`,
    ...storage('config'),
    ...storage('offset'),
    ...storage('status'),
    'offset.storage.partitions': '1',
    'status.storage.partitions': '1',
    'offset.flush.interval.ms': '500',
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'plugin.discovery': 'service_load',
  };
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

/** A worker for one test alone, stopped after it, on the broker that all tests share. Skips as `requireKafka` does. */
export async function requireConnectWorker(t: TestContext, brokers: string): Promise<ConnectWorker | undefined> {
  try {
    const worker = await startConnectWorker(brokers);
    t.after(() => worker.stop());
    return worker;
  } catch (error) {
    return missingService(t, 'Kafka Connect', error);
  }
}
