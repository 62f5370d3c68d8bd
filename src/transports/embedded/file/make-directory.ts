import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';

/**
 * Makes a directory with all that are missing above it. Node's own `recursive` never comes back where a directory that
 * exists answers ENOENT to a request to make one in it, as /proc does.
 */
export async function makeDirectory(directory: string): Promise<void> {
  if (await isDirectory(directory)) return;
  try {
    await mkdir(directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const parent = path.dirname(directory);
    if (code === 'ENOENT' && !(await isDirectory(parent))) {
      await makeDirectory(parent);
      await makeDirectory(directory);
      return;
    }
    // Another process may have been faster.
    if (!(await isDirectory(directory))) throw code === 'EEXIST' ? new Error('it is not a directory') : error;
  }
}

async function isDirectory(directory: string): Promise<boolean> {
  const found = await stat(directory).catch(() => undefined);
  return found?.isDirectory() === true;
}
