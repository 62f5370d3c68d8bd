import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The Kafka that the tests use, of its broker and its Connect. */
export const KAFKA_VERSION = '4.1.0';

/** What the distribution of that Kafka logs with. */
const LOG4J_VERSION = '2.24.3';

/** Folder with the jars of a Kafka broker, fetched from Maven Central once and kept for later runs. */
export function kafkaJars(): Promise<string> {
  return jarsOf(`kafka-${KAFKA_VERSION}`, ofKafka('kafka_2.13', 'kafka-tools'));
}

/** The same for a Kafka Connect worker and the connectors that come with it. */
export function connectJars(): Promise<string> {
  return jarsOf(`connect-${KAFKA_VERSION}`, [
    ...ofKafka('connect-runtime', 'connect-file', 'connect-json'),
    ...['log4j-core', 'log4j-slf4j-impl'].map((name) => dependency('org.apache.logging.log4j', name, LOG4J_VERSION)),
  ]);
}

function ofKafka(...artifacts: string[]): string[] {
  return artifacts.map((artifact) => dependency('org.apache.kafka', artifact, KAFKA_VERSION));
}

function dependency(group: string, artifact: string, version: string): string {
  return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`;
}

async function jarsOf(name: string, dependencies: readonly string[]): Promise<string> {
  const cache = process.env.TIDEGATE_CACHE ?? join(homedir(), '.cache', 'tidegate');
  const folder = join(cache, name);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  // Fetched beside the final name and renamed, so that two processes at once do not see half of it.
  const work = mkdtempSync(join(cache, 'fetch-'));
  try {
    writeFileSync(
      join(work, 'pom.xml'),
      `<project><modelVersion>4.0.0</modelVersion><groupId>x</groupId><artifactId>x</artifactId><version>1</version><dependencies>${dependencies.join('')}</dependencies></project>`,
    );
    await promisify(execFile)(
      'mvn',
      [
        '-q',
        '-B',
        '-f',
        join(work, 'pom.xml'),
        'dependency:copy-dependencies',
        `-DoutputDirectory=${join(work, 'jars')}`,
      ],
      { timeout: 300_000 },
    );
    moveUnlessThere(join(work, 'jars'), folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Error('mvn is not on the PATH; it fetches Kafka once', { cause: error });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return folder;
}

/** Another process may have been faster; what it fetched is the same. */
function moveUnlessThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!existsSync(to)) throw error;
  }
}
