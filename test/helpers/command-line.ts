import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const IS_COMPILED = import.meta.url.includes('/dist/');
export const ROOT = fileURLToPath(new URL(IS_COMPILED ? '../../../' : '../../', import.meta.url));
/** bin/tidegate runs what is compiled; from the sources the entry is called itself, so that no old build is tested. */
const ENTRY = IS_COMPILED ? ['bin/tidegate'] : ['--import', 'tsx', 'src/cli/index.ts'];

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end, with no variables but PATH and those of `env`. */
export function runTidegate(
  args: readonly string[],
  { env = {}, cwd = ROOT, input = '' }: { env?: Readonly<Record<string, string>>; cwd?: string; input?: string } = {},
): Ran {
  const entry = ENTRY.map((word) => (word.includes('/') ? join(ROOT, word) : word));
  const words = entry.map((word) => (word === 'tsx' ? import.meta.resolve('tsx') : word));
  const { status, stdout, stderr } = spawnSync(process.execPath, [...words, ...args], {
    cwd,
    input,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ...env },
  });
  return { status, stdout, stderr };
}

export function tidegate(...args: string[]): Ran {
  return runTidegate(args);
}

/** Writes files into a new directory, which goes with the test; the path of the first. */
export async function written(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-cli-'));
  t.after(() => rm(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return join(folder, Object.keys(files)[0] ?? '');
}
