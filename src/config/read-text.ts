import { readFile } from 'node:fs/promises';
import { TidegateError } from '../core/errors.ts';

/** The text of a file. Rejects with TG_CONFIG_UNREADABLE. */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason =
      code === 'ENOENT'
        ? 'there is no such file'
        : code === 'EISDIR'
          ? 'it is a directory, not a file'
          : (error as Error).message;
    throw new TidegateError('TG_CONFIG_UNREADABLE', `${file} cannot be read: ${reason}`, error);
  }
}
