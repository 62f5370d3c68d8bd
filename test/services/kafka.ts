import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { freePort } from '../helpers/gateway-process.ts';
import { kafkaJars } from './kafka-jars.ts';
import { preparedKafka } from './kafka-prepared.ts';
import { answering, type FormatOptions, format, QUICK_JVM, spawnBroker, writeProperties } from './kafka-process.ts';
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

export interface KafkaOptions extends FormatOptions {
  /** Address that the broker tells its clients, such as a proxy's. */
  readonly advertised?: string;
  readonly port?: number;
  /** Starts in half the time and is slower under load, as the JVM does not optimise much: for tests, not for measuring. */
  readonly quick?: boolean;
  /** Further lines of server.properties. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Further arguments of the JVM. */
  readonly jvm?: readonly string[];
}

/** Starts a broker of its own, which the caller stops. Rejects where Java or Maven are missing. */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaService> {
  const classPath = `${await kafkaJars()}/*`;
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-kafka-'));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  const port = options.port ?? (await freePort());
  const brokers = options.advertised ?? `127.0.0.1:${port}`;
  const addresses = { port, controllerPort: await freePort(), advertised: brokers };
  const properties = writeProperties(folder, addresses, options.properties);
  const prepared = await preparedKafka();
  let broker: ChildProcess | undefined;
  const end = async (signal: NodeJS.Signals) => {
    if (broker === undefined || broker.exitCode !== null || broker.signalCode !== null) return;
    broker.ref();
    broker.kill('SIGCONT');
    broker.kill(signal);
    await once(broker, 'exit');
  };
  const start = async () => {
    const jvm = [...(options.quick ? [...QUICK_JVM, prepared.jvm] : []), ...(options.jvm ?? [])];
    broker = spawnBroker(classPath, properties, jvm);
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
    // What is prepared is of the first node, as it is by itself.
    if (options.features ?? options.scram ?? options.properties?.['node.id'])
      await format(classPath, properties, options);
    else cpSync(prepared.data, join(folder, 'data'), { recursive: true });
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
