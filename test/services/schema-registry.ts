import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { freePort, until } from '../helpers/gateway-process.ts';
import { cachedFolder, maven } from './maven.ts';
import { missingService } from './missing.ts';

/** A real schema registry (Apicurio, in memory) with Confluent's API, in its own process. */
export interface SchemaRegistryService {
  /** Of Confluent's API. */
  readonly url: string;
  /** Freezes the process: connections are accepted and nothing answers. */
  pause(): void;
  resume(): void;
  /** Makes a schema the newest of a subject. */
  register(subject: string, schema: object | string, schemaType?: 'AVRO' | 'PROTOBUF'): Promise<void>;
  stop(): Promise<void>;
}

/** The last version for Java 17. */
const VERSION = '2.6.13.Final';
const START_TIMEOUT = 120_000;

/** Folder with the registry, fetched from Maven Central once and kept for later runs. */
function registryFolder(): Promise<string> {
  return cachedFolder(`apicurio-${VERSION}`, async (work) => {
    const [fetched, folder] = [join(work, 'fetched'), join(work, 'registry')];
    const artifact = `io.apicurio:apicurio-registry-app:${VERSION}:tar.gz:all`;
    await maven('dependency:copy', `-Dartifact=${artifact}`, `-DoutputDirectory=${fetched}`);
    mkdirSync(folder);
    const archive = join(fetched, `apicurio-registry-app-${VERSION}-all.tar.gz`);
    await promisify(execFile)('tar', ['xzf', archive, '-C', folder]);
    return folder;
  });
}

/** Starts a registry of its own, which the caller stops. Rejects where Java or Maven are missing. */
async function startSchemaRegistry(): Promise<SchemaRegistryService> {
  const folder = await registryFolder();
  const port = await freePort();
  const jvm = ['-Xmx512m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];
  const settings = ['-Dquarkus.http.host=127.0.0.1', `-Dquarkus.http.port=${port}`];
  const jar = join(folder, `apicurio-registry-app-${VERSION}-runner.jar`);
  const child = spawn('java', [...jvm, ...settings, '-jar', jar], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'close').catch((error: unknown) => {
    throw new Error('java (17 or later) is not on the PATH', { cause: error });
  });
  // The caller may end without a stop: a test file that fails early, a run that is interrupted.
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const stop = async () => {
    process.off('exit', kill);
    child.kill('SIGCONT');
    kill();
    await ended.catch(() => {});
  };
  const url = `http://127.0.0.1:${port}/apis/ccompat/v7`;
  try {
    await Promise.race([ended, healthy(url, child)]);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    pause: () => child.kill('SIGSTOP'),
    resume: () => child.kill('SIGCONT'),
    register: (subject, schema, schemaType = 'AVRO') => register(url, subject, schema, schemaType),
    stop,
  };
}

/** A registry for one test file, stopped after the test that asks for it. Skips as `requireKafka` does. */
export async function requireSchemaRegistry(t: TestContext): Promise<SchemaRegistryService | undefined> {
  try {
    const registry = await startSchemaRegistry();
    t.after(() => registry.stop());
    return registry;
  } catch (error) {
    return missingService(t, 'the schema registry', error);
  }
}

async function register(url: string, subject: string, schema: object | string, schemaType: string): Promise<void> {
  const response = await fetch(`${url}/subjects/${subject}/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ schema: typeof schema === 'string' ? schema : JSON.stringify(schema), schemaType }),
  });
  if (!response.ok) throw new Error(`the registry answers ${response.status}: ${await response.text()}`);
}

async function healthy(url: string, child: ChildProcess): Promise<void> {
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-4_000);
    });
  await until(
    async () => {
      if (child.exitCode !== null) throw new Error(`the schema registry ended with ${child.exitCode}: ${output}`);
      return (await fetch(`${url}/subjects`).catch(() => undefined))?.status === 200;
    },
    START_TIMEOUT,
    () => `the schema registry does not answer: ${output}`,
  );
}
