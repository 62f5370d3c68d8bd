import { writeFile } from 'node:fs/promises';
import { reasonOf, TidegateError } from '../core/errors.ts';

/** Writes what a command makes to the file that its command line names. Rejects with TG_CONFIG_UNREADABLE. */
export async function writeText(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (error) {
    throw new TidegateError('TG_CONFIG_UNREADABLE', `${file} cannot be written: ${reasonOf(error)}`, error);
  }
}
