import { once } from 'node:events';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../helpers/gateway-process.ts';
import { KAFKA_VERSION, kafkaJars } from './kafka-jars.ts';
import { answering, format, QUICK_JVM, spawnBroker, writeProperties } from './kafka-process.ts';
import { cachedFolder } from './maven.ts';

/** What a broker that starts need not do again. */
export interface PreparedKafka {
  /** The data of one that never ran. */
  readonly data: string;
  /** Lets the JVM map the classes of an earlier broker in place of loading them. Another JVM than the one that wrote them loads them itself. */
  readonly jvm: string;
}

/** Done once for all runs, as that of the jars: a broker then starts with a third of the work. */
export async function preparedKafka(): Promise<PreparedKafka> {
  const folder = await cachedFolder(`kafka-${KAFKA_VERSION}-prepared`, prepare);
  return { data: join(folder, 'data'), jvm: `-XX:SharedArchiveFile=${join(folder, 'classes.jsa')}` };
}

async function prepare(work: string): Promise<string> {
  const [classPath, port, controllerPort] = [`${await kafkaJars()}/*`, await freePort(), await freePort()];
  const [folder, run] = [join(work, 'prepared'), join(work, 'run')];
  mkdirSync(folder);
  mkdirSync(run);
  const properties = writeProperties(run, { port, controllerPort, advertised: `127.0.0.1:${port}` });
  await format(classPath, properties);
  cpSync(join(run, 'data'), join(folder, 'data'), { recursive: true });
  const broker = spawnBroker(classPath, properties, [
    ...QUICK_JVM,
    `-XX:ArchiveClassesAtExit=${join(folder, 'classes.jsa')}`,
  ]);
  try {
    await answering(`127.0.0.1:${port}`, broker);
    broker.kill('SIGTERM');
    await once(broker, 'exit');
  } finally {
    broker.kill('SIGKILL');
  }
  return folder;
}
