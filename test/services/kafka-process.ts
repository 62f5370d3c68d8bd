import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';

/** What a broker's folder needs beyond the defaults of the tests. */
export interface FormatOptions {
  /** Levels of features that are lower than the broker's own, such as `transaction.version`. */
  readonly features?: Readonly<Record<string, number>>;
  /** SCRAM users, as kafka-storage takes them: `SCRAM-SHA-256=[name=us,password=secret]`. */
  readonly scram?: readonly string[];
}

const CLUSTER_ID = 'AAAAAAAAAAAAAAAAAAAAAQ';
/** Milliseconds. Several start at once, on a machine that runs other tests beside them. */
const START_TIMEOUT = 120_000;
/** Starts in half the time, and is slower under load. */
export const QUICK_JVM = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];

/** Ports and addresses of a broker that is its own controller. */
export interface Addresses {
  readonly port: number;
  readonly controllerPort: number;
  readonly advertised: string;
}

/** Writes the server.properties of a broker that keeps its data in `folder`, and gives its path. */
export function writeProperties(
  folder: string,
  addresses: Addresses,
  more: Readonly<Record<string, string>> = {},
): string {
  const path = join(folder, 'server.properties');
  const lines = Object.entries(serverProperties(folder, addresses, more)).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(path, lines.join(''));
  return path;
}

/** Prepares the folder of a broker for its first start. */
export async function format(classPath: string, properties: string, options: FormatOptions = {}): Promise<void> {
  const features = Object.entries(options.features ?? {}).flatMap(([name, level]) => ['--feature', `${name}=${level}`]);
  const users = (options.scram ?? []).flatMap((user) => ['--add-scram', user]);
  const command = ['kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', properties, ...features, ...users];
  await java([...QUICK_JVM, '-cp', classPath, ...command]);
}

/** Starts the process of a broker. */
export function spawnBroker(classPath: string, properties: string, jvm: readonly string[]): ChildProcess {
  return spawn('java', ['-Xmx512m', ...jvm, '-cp', classPath, 'kafka.Kafka', properties], {
    cwd: dirname(properties),
    stdio: 'ignore',
  });
}

/** A broker is there when it answers a metadata request, on the address it really listens on. */
export async function answering(address: string, broker: ChildProcess): Promise<void> {
  const admin = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING, retry: { retries: 0 } }).admin();
  const end = Date.now() + START_TIMEOUT;
  for (;;) {
    try {
      await admin.connect();
      await admin.disconnect();
      return;
    } catch (error) {
      if (broker.exitCode !== null) throw new Error(`Kafka ended with ${broker.exitCode} while it started`);
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

function serverProperties(
  folder: string,
  { port, controllerPort, advertised }: Addresses,
  more: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://${advertised}`,
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': join(folder, 'data'),
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'auto.create.topics.enable': 'false',
    // As in production: 0 would hide slow starts.
    'group.initial.rebalance.delay.ms': '3000',
    'log.cleaner.backoff.ms': '500',
    // Records and results of tests have times of years ago, which brokers would delete 30 s after their start.
    'log.retention.ms': '-1',
    ...more,
  };
}

async function java(args: string[]): Promise<void> {
  const child = spawn('java', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output += chunk;
  });
  const exited = once(child, 'exit').catch((error: unknown) => {
    throw new Error('java (17 or later) is not on the PATH', { cause: error });
  });
  const [code] = (await exited) as [number | null];
  if (code !== 0) throw new Error(`java ${args.at(-1)} failed: ${output.slice(-2_000)}`);
}
