import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readSource } from '../../config/config-source.ts';
import { testsFileOf } from '../../config/tests/test-files.ts';

/**
 * Files that the tests of a configuration depend on: it, the file of tests beside it, and every file that a text in them
 * names: included files, schemas, tables and plugins.
 */
export async function usedFiles(file: string, env: NodeJS.ProcessEnv = process.env): Promise<string[]> {
  const own = [file, testsFileOf(file)];
  const named = await Promise.all(own.map((one) => filesNamedIn(one, env)));
  return [...own, ...named.flat()];
}

async function filesNamedIn(file: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  try {
    const { source, folder, files } = await readSource(file, env);
    // Plugins are looked for beside the file, and what a processor reads where the program was started.
    const named = [...textsIn(source.value)].flatMap((text) => [join(folder, text), resolve(text)].filter(isFile));
    return [...files, ...named];
  } catch {
    return [];
  }
}

function* textsIn(value: unknown): Generator<string> {
  if (typeof value === 'string' && value !== '') yield value;
  else if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) yield* textsIn(inner);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
