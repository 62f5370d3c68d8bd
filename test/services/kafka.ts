import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import { freePort } from '../helpers/gateway-process.ts';
import { kafkaJars } from './kafka-jars.ts';
import { missingService } from './missing.ts';

/** A real Kafka: one node in KRaft mode, in its own process, with its data in a temporary folder. */
export interface KafkaService {
  /** What clients connect to: `host:port`. */
  readonly brokers: string;
  /** The port that the broker itself listens on, also where another address is advertised. */
  readonly port: number;
  readonly pid: number;
  /** Freezes the process: connections stay open and nothing answers. */
  pause(): void;
  resume(): void;
  /** Ends the process at once; its data stay for `restart`. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface KafkaOptions {
  /** Address that the broker tells its clients, such as a proxy's. */
  readonly advertised?: string;
  readonly port?: number;
  /** Starts in half the time and is slower under load, as the JVM does not optimise much: for tests, not for measuring. */
  readonly quick?: boolean;
  /** Further lines of server.properties. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Levels of features that are lower than the broker's own, such as `transaction.version`. */
  readonly features?: Readonly<Record<string, number>>;
  /** SCRAM users, as kafka-storage takes them: `SCRAM-SHA-256=[name=us,password=secret]`. */
  readonly scram?: readonly string[];
  /** Further arguments of the JVM. */
  readonly jvm?: readonly string[];
}

const CLUSTER_ID = 'AAAAAAAAAAAAAAAAAAAAAQ';
/** Milliseconds. Several start at once, on a machine that runs other tests beside them. */
const START_TIMEOUT = 120_000;
const QUICK_JVM = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];

/** Starts a broker of its own, which the caller stops. Rejects where Java or Maven are missing. */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaService> {
  const classPath = `${await kafkaJars()}/*`;
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-kafka-'));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  const port = options.port ?? (await freePort());
  const brokers = options.advertised ?? `127.0.0.1:${port}`;
  const properties = join(folder, 'server.properties');
  writeFileSync(properties, serverProperties(folder, port, await freePort(), brokers, options.properties));
  let broker: ChildProcess | undefined;
  const end = async (signal: NodeJS.Signals) => {
    if (broker === undefined || broker.exitCode !== null || broker.signalCode !== null) return;
    broker.ref();
    broker.kill('SIGCONT');
    broker.kill(signal);
    await once(broker, 'exit');
  };
  const start = async () => {
    const jvm = ['-Xmx512m', ...(options.quick ? QUICK_JVM : []), ...(options.jvm ?? []), '-cp', classPath];
    broker = spawn('java', [...jvm, 'kafka.Kafka', properties], { cwd: folder, stdio: 'ignore' });
    // No test stops a shared broker, so it must not keep a finished test file alive.
    broker.unref();
    await answering(`127.0.0.1:${port}`, broker);
  };
  // The caller may end without a stop: a test file that fails early, a run that is interrupted.
  const atExit = () => {
    broker?.kill('SIGKILL');
    removeFolder();
  };
  process.once('exit', atExit);
  const stop = async () => {
    await end('SIGKILL');
    process.off('exit', atExit);
    removeFolder();
  };
  try {
    const features = Object.entries(options.features ?? {}).flatMap(([name, level]) => [
      '--feature',
      `${name}=${level}`,
    ]);
    const users = (options.scram ?? []).flatMap((user) => ['--add-scram', user]);
    const format = ['kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', properties, ...features, ...users];
    await java([...QUICK_JVM, '-cp', classPath, ...format]);
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    brokers,
    port,
    get pid() {
      return broker?.pid ?? -1;
    },
    pause: () => {
      broker?.kill('SIGSTOP');
      if (broker?.pid !== undefined) awaitStopped(broker.pid);
    },
    resume: () => void broker?.kill('SIGCONT'),
    kill: () => end('SIGKILL'),
    restart: async () => {
      await end('SIGKILL');
      await start();
    },
    stop,
  };
}

let ownShared: Promise<KafkaService> | undefined;

/**
 * The broker that all tests of a run share, so topic names must be unique: KAFKA_BROKERS where a person gives one, else
 * the one that scripts/test.ts has started, else one for this test file alone. A test that cannot have one is skipped;
 * under CI=true that is a failure.
 */
export async function requireKafka(t: TestContext): Promise<{ readonly brokers: string } | undefined> {
  const given = process.env.KAFKA_BROKERS || process.env.TIDEGATE_TEST_KAFKA;
  if (given) return { brokers: given };
  try {
    ownShared ??= startKafka({ quick: true });
    return await ownShared;
  } catch (error) {
    return missingService(t, 'Kafka', error);
  }
}

/** A broker for one test alone, which it may freeze and kill. Stopped after the test. */
export async function requireOwnKafka(t: TestContext, options: KafkaOptions = {}): Promise<KafkaService | undefined> {
  try {
    const kafka = await startKafka({ quick: true, ...options });
    t.after(() => kafka.stop());
    return kafka;
  } catch (error) {
    return missingService(t, 'Kafka', error);
  }
}

function serverProperties(
  folder: string,
  port: number,
  controllerPort: number,
  advertised: string,
  more: Readonly<Record<string, string>> = {},
): string {
  const properties = {
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
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
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

/** When `kill` returns, the signal may still be pending: on a busy machine threads of the broker may store another record. */
function awaitStopped(pid: number): void {
  const isStopped = (thread: string) => {
    try {
      return /\) [tT] /.test(readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8'));
    } catch {
      return true; // The thread has ended.
    }
  };
  for (const end = Date.now() + 1_000; Date.now() < end; )
    if (!existsSync(`/proc/${pid}/task`) || readdirSync(`/proc/${pid}/task`).every(isStopped)) return;
}

/** A broker is there when it answers a metadata request, on the address it really listens on. */
async function answering(address: string, broker: ChildProcess): Promise<void> {
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
