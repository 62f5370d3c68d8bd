import { isAbsolute, resolve } from 'node:path';
import type { Path } from '../problem/problem.ts';
import { type JsonSchema, walkSettings } from '../schema/walk-settings.ts';
import type { Positions } from './positions.ts';

/**
 * Makes relative paths of files absolute that are written in included files: there they begin at the folder of their file, so that
 * a part of a configuration can be moved together with what it names. `schema` is that of editors, in which settings that take a
 * path are marked (`x-file`). Changes `value`.
 */
export function resolveIncludedPaths(schema: JsonSchema, value: object, positions: Positions): void {
  const found: { readonly path: Path; readonly file: string }[] = [];
  walkSettings(schema, value, ({ rules, value: here, path }) => {
    if (rules?.['x-file'] !== true || typeof here !== 'string' || !isRelativePath(here)) return;
    const text = positions.originOf(path);
    if (text !== positions.text) found.push({ path, file: resolve(text.folder, here) });
  });
  for (const { path, file } of found) put(value, path, file);
}

/** The text of a certificate may be in the place of its path. */
function isRelativePath(text: string): boolean {
  return text !== '' && !isAbsolute(text) && !text.includes('\n') && !text.includes('-----BEGIN');
}

function put(value: object, path: Path, text: string): void {
  let around = value as Record<string, unknown>;
  for (const step of path.slice(0, -1)) around = around[step] as Record<string, unknown>;
  around[path.at(-1) as string] = text;
}
