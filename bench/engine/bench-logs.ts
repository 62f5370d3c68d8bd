import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startKafka } from '../../test/services/kafka.ts';

export const PARTITIONS = 6;

/** A log whose topic `in` is filled once; each run reads all of it. */
export interface BenchLog {
  readonly name: string;
  /** The settings of `log` for a gateway that fills the topic. */
  readonly filling: object;
  /** The settings of `log` for one run, the group that reads, and what removes the run again. */
  begin(): { readonly log: object; readonly group: string; readonly end: () => void };
  close(): Promise<unknown>;
}

const topics = { in: { partitions: PARTITIONS }, out: { partitions: PARTITIONS } };

/** The embedded log in memory: each run has a copy of it. */
export function embeddedLog(): BenchLog {
  const room = process.platform === 'linux' ? '/dev/shm' : tmpdir();
  const newFolder = () => mkdtempSync(join(room, 'tidegate-bench-'));
  const filled = newFolder();
  const at = (path: string) => ({ driver: 'embedded', embedded: { path }, topics });
  return {
    name: 'embedded log in memory',
    filling: at(filled),
    begin: () => {
      const path = newFolder();
      cpSync(filled, path, { recursive: true });
      return { log: at(path), group: 'bench', end: () => rmSync(path, { recursive: true }) };
    },
    close: async () => rmSync(filled, { recursive: true }),
  };
}

/** A real Kafka on this machine, with one broker: each run has a group of its own. */
export async function kafkaLog(): Promise<BenchLog> {
  const { brokers, stop } = await startKafka();
  const log = { driver: 'kafkajs', brokers, topics };
  let runs = 0;
  return {
    name: 'Kafka',
    filling: log,
    begin: () => {
      runs += 1;
      return { log, group: `bench-${runs}`, end: () => {} };
    },
    close: stop,
  };
}
