import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cachedFolder, maven } from './maven.ts';

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

function jarsOf(name: string, dependencies: readonly string[]): Promise<string> {
  return cachedFolder(name, async (work) => {
    const pom = join(work, 'pom.xml');
    writeFileSync(
      pom,
      `<project><modelVersion>4.0.0</modelVersion><groupId>x</groupId><artifactId>x</artifactId><version>1</version><dependencies>${dependencies.join('')}</dependencies></project>`,
    );
    const jars = join(work, 'jars');
    await maven('-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${jars}`);
    return jars;
  });
}
