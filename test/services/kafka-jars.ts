import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const VERSION = '4.1.0';
const ARTIFACTS = ['kafka_2.13', 'kafka-tools'];

/** Folder with the jars of a Kafka broker, fetched from Maven Central once and kept for later runs. */
export async function kafkaJars(): Promise<string> {
  const cache = process.env.TIDEGATE_CACHE ?? join(homedir(), '.cache', 'tidegate');
  const folder = join(cache, `kafka-${VERSION}`);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  // Fetched beside the final name and renamed, so that two processes at once do not see half of it.
  const work = mkdtempSync(join(cache, 'fetch-'));
  try {
    const dependencies = ARTIFACTS.map(
      (artifact) =>
        `<dependency><groupId>org.apache.kafka</groupId><artifactId>${artifact}</artifactId><version>${VERSION}</version></dependency>`,
    );
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
