import { readdir, realpath } from 'node:fs/promises';
import { isAbsolute, join, resolve, sep } from 'node:path';
import type { Path } from '../problem/problem.ts';
import { isRecord } from '../problem/record.ts';

/** One path of `include`, as it is written, and its place. */
export interface Inclusion {
  readonly path: Path;
  readonly pattern: unknown;
}

const WILDCARD = /[*?]/;

/** The tests of a file are beside it, and no part of it. */
const TESTS = /_test\.ya?ml$/;

/** What a file includes: a list, or one text with commas. */
export function inclusionsIn(value: unknown): readonly Inclusion[] {
  const include = isRecord(value) ? value.include : undefined;
  if (include === undefined || include === '') return [];
  if (typeof include === 'string')
    return include.split(',').map((pattern) => ({ path: ['include'], pattern: pattern.trim() }));
  if (!Array.isArray(include)) return [{ path: ['include'], pattern: include }];
  return include.map((pattern: unknown, index) => ({ path: ['include', index], pattern }));
}

export function isGlob(pattern: string): boolean {
  return WILDCARD.test(pattern);
}

/**
 * The files that a path of `include` means, relative to `folder`, in the order of their names. `*` and `?` mean characters of
 * one name, and never hidden files or tests. Throws an Error that can be shown where they mean nothing.
 */
export async function filesOf(pattern: string, folder: string): Promise<readonly string[]> {
  if (!isGlob(pattern)) return [isAbsolute(pattern) ? pattern : join(folder, pattern)];
  if (pattern.includes('**')) throw new Error(`"${pattern}": ** is not understood; * means characters of one name`);
  let found = [isAbsolute(pattern) ? sep : folder];
  for (const step of pattern.split('/').filter((name) => name !== '' && name !== '.')) {
    const next = await Promise.all(found.map((parent) => namesIn(parent, step)));
    found = next.flat();
  }
  const files = found.filter((file) => !TESTS.test(file));
  if (files.length === 0) throw new Error(`no file matches "${pattern}"`);
  return files;
}

/** By which a file is known again, whatever links lead to it. */
export async function identityOf(file: string): Promise<string> {
  try {
    return await realpath(file);
  } catch {
    return resolve(file);
  }
}

async function namesIn(folder: string, step: string): Promise<string[]> {
  if (!WILDCARD.test(step)) return [join(folder, step)];
  const pattern = new RegExp(
    `^${step
      .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  );
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => pattern.test(name) && (step.startsWith('.') || !name.startsWith('.')))
    .sort()
    .map((name) => join(folder, name));
}
