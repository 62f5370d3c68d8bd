import { existsSync, readdirSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { TidegateError } from '../../../core/errors.ts';
import { makeDirectory } from './make-directory.ts';
import { acquireOwnerLock } from './owner-lock.ts';

const SHARED_MEMORY = '/dev/shm';
const PREFIX = 'tidegate-';

/** Where the log's files are. */
export interface DataDirectory {
  readonly path: string;
  release(): Promise<void>;
}

/** Makes the directory where it is missing and becomes its owner. Rejects with TG_DATA_DIR_OWNED or TG_DATA_DIR_UNUSABLE. */
export async function openDirectory(directory: string): Promise<DataDirectory> {
  try {
    await makeDirectory(path.resolve(directory));
    const lock = await acquireOwnerLock(directory);
    return { path: directory, release: () => lock.release() };
  } catch (error) {
    if (error instanceof TidegateError) throw error;
    throw new TidegateError(
      'TG_DATA_DIR_UNUSABLE',
      `the data directory ${directory} cannot be used: ${(error as Error).message}`,
      error,
    );
  }
}

/** A directory of our own, in memory where the system offers that, gone at the end. */
export async function temporaryDirectory(): Promise<DataDirectory> {
  const parent = existsSync(SHARED_MEMORY) ? SHARED_MEMORY : tmpdir();
  removeLeftovers(parent);
  const directory = await mkdtemp(path.join(parent, `${PREFIX}${process.pid}-`));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  process.once('exit', remove);
  return {
    path: directory,
    release: async () => {
      process.off('exit', remove);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A process that was killed could not remove its own. */
function removeLeftovers(parent: string): void {
  for (const name of readdirSync(parent)) {
    const pid = /^tidegate-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    try {
      rmSync(path.join(parent, name), { recursive: true, force: true });
    } catch {
      // Another user's: theirs to remove.
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
