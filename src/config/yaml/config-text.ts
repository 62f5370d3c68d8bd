import { readFile } from 'node:fs/promises';
import { TidegateError } from '../../core/errors.ts';

/** The text of a file. Rejects with TG_CONFIG_UNREADABLE. */
export async function readText(file: string): Promise<string> {
  try {
    return textOf(await readFile(file));
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

/** Editors on Windows may save UTF-16, which begins with a byte order mark of its own. */
function textOf(bytes: Buffer): string {
  const mark = bytes.subarray(0, 2).toString('hex');
  if (mark === 'fffe' || mark === 'feff') throw new Error('it is UTF-16; save it as UTF-8');
  return bytes.toString('utf8');
}
