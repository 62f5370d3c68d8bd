import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/**
 * A folder that is filled once and kept for later runs. `fill` is given a folder to work in, and gives the one in it that is
 * to be kept.
 */
export async function cachedFolder(name: string, fill: (work: string) => Promise<string>): Promise<string> {
  const cache = process.env.TIDEGATE_CACHE ?? join(homedir(), '.cache', 'tidegate');
  const folder = join(cache, name);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  // Filled beside the final name and renamed, so that two processes at once do not see half of it.
  const work = mkdtempSync(join(cache, 'fetch-'));
  try {
    moveUnlessThere(await fill(work), folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return folder;
}

/** Runs Maven, which fetches from Maven Central. */
export async function maven(...args: string[]): Promise<void> {
  try {
    await promisify(execFile)('mvn', ['-q', '-B', ...args], { timeout: 300_000 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Error('mvn is not on the PATH; it fetches the services of tests once', { cause: error });
  }
}

/** Another process may have been faster; what it fetched is the same. */
function moveUnlessThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!existsSync(to)) throw error;
  }
}
