import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../' : '../../', import.meta.url));
const UNITS: Readonly<Record<string, number>> = { KiB: 1_024, MiB: 1_048_576, GiB: 1_073_741_824 };

/** Resident bytes of a process: now (VmRSS), or the most that it ever had (VmHWM). Linux only. */
export function residentBytes(pid: number | undefined, which: 'VmRSS' | 'VmHWM' = 'VmRSS'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const line = new RegExp(`^${which}:\\s+(\\d+) kB$`, 'm').exec(status);
  if (line === null) throw new Error(`no ${which} in ${status}`);
  return Number(line[1]) * 1_024;
}

/** The ceiling that `tidegate lint` prints for a configuration, in bytes. `env` as the gateway gets it. */
export async function printedCeiling(config: string, env: Readonly<Record<string, string>>): Promise<number> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(ROOT, 'bin/tidegate'), 'lint', join(ROOT, config)],
    { env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env } },
  );
  const [, figure = '', unit = ''] = /ceiling ([\d.]+) ([KMG]iB):/.exec(stdout) ?? [];
  if (figure === '') throw new Error(`no ceiling in ${stdout}`);
  return Number(figure) * (UNITS[unit] ?? Number.NaN);
}

export const mebibytes = (bytes: number): number => Math.round(bytes / 1_048_576);
