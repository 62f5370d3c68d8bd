import { loadConfig } from '../config/index.ts';
import { TidegateError } from '../core/errors.ts';
import { formatSize } from '../core/units.ts';
import { auditLog, type LogAudit } from '../transports/embedded/file/log-audit.ts';
import { embeddedSchema } from '../transports/embedded/schema.ts';
import { describeFailure } from './report.ts';

const WHOLE = 0;
const DAMAGED = 1;
const NOT_CHECKED = 2;

export interface LogCheckOptions {
  /** Directory of the log; it wins over that of the file. */
  readonly data?: string;
}

/** Prints what is intact in an embedded log. Resolves with the exit code. */
export async function checkLog(file: string | undefined, { data }: LogCheckOptions): Promise<number> {
  try {
    const directory = data ?? (await directoryOf(file));
    const audit = await auditLog(directory);
    console.log(describe(directory, audit));
    const damage = damageOf(audit);
    for (const line of damage) console.error(line);
    return damage.length === 0 ? WHOLE : DAMAGED;
  } catch (error) {
    console.error(describeFailure(error, process.env));
    return NOT_CHECKED;
  }
}

async function directoryOf(file: string | undefined): Promise<string> {
  if (file === undefined) return embeddedSchema.parse({}).path;
  const { driver, embedded } = (await loadConfig(file, { production: null })).config.log;
  if (driver !== 'embedded' || embedded.memory)
    throw new TidegateError(
      'TG_CONFIG_INVALID',
      `${file}: its log is not in a directory, so there is nothing to check`,
    );
  return embedded.path;
}

function describe(directory: string, { bytes, topics, partitions }: LogAudit): string {
  const rows = [
    ['topic', 'partition', 'first', 'next', 'records', 'damaged'],
    ...partitions.map(({ topic, partition, start, end, records, damaged }) => [
      topic,
      ...[partition, start, end, records, damaged.reduce((sum, { from, to }) => sum + to - from, 0)].map(String),
    ]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const line = (row: string[]) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ');
  const head = `${directory}: ${formatSize(bytes)}, ${topics === 1 ? '1 topic' : `${topics} topics`}`;
  return partitions.length === 0 ? head : [head, ...rows.map((row) => `  ${line(row)}`)].join('\n');
}

function damageOf({ partitions, damage }: LogAudit): string[] {
  const ofPartitions = partitions.flatMap(({ topic, partition, damaged }) =>
    damaged.map(({ from, to, reason }) => `${topic}/${partition}: offsets ${from} to ${to - 1}: ${reason}`),
  );
  return [...damage, ...ofPartitions];
}
