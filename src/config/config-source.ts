import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { TidegateError } from '../core/errors.ts';
import type { Environment } from './interpolate.ts';
import { outsideValues } from './outside-values.ts';
import { Positions } from './positions.ts';
import { type Finding, failing, type Path } from './problem.ts';
import { MAX_DEPTH } from './yaml-document.ts';
import { readYaml, type Source } from './yaml-source.ts';

/** YAML that is not a file; messages have `name` in its place, and relative plugins are looked for beside it. */
export interface ConfigText {
  readonly text: string;
  readonly name: string;
}

/** Reads a file, a text or an object. `folder`: where relative plugins are. Rejects with TG_CONFIG_UNREADABLE. */
export async function readSource(
  from: string | ConfigText | object,
  env: Environment,
): Promise<{ source: Source; folder: string; files: readonly string[] }> {
  if (typeof from === 'string') {
    const text = await readText(from);
    return { source: readYaml(text, from, env, outsideValues()), folder: dirname(from), files: [resolve(from)] };
  }
  if (isText(from)) return { source: readYaml(from.text, from.name, env), folder: dirname(from.name), files: [] };
  const positions = new Positions('configuration');
  const findings = unreadableIn(from);
  const value = findings.length > 0 ? undefined : from;
  return { source: { value, positions, findings, spoiled: [], variables: [] }, folder: process.cwd(), files: [] };
}

function isText(from: object): from is ConfigText {
  return (
    typeof (from as Partial<ConfigText>).text === 'string' && typeof (from as Partial<ConfigText>).name === 'string'
  );
}

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

/** What an object has that YAML could not bring: the first value that is nested without an end, and keys `__proto__`. */
export function unreadableIn(settings: object): Finding[] {
  const findings: Finding[] = [];
  const open: { readonly value: unknown; readonly path: Path }[] = [{ value: settings, path: [] }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, path } = next;
    if (typeof value !== 'object' || value === null) continue;
    if (path.length > MAX_DEPTH)
      return [failing(path.slice(0, 5), `is nested more than ${MAX_DEPTH} levels deep; no setting is`)];
    if (Object.hasOwn(value, '__proto__'))
      findings.push(failing(path, '"__proto__" cannot be a key; choose another name'));
    const isList = Array.isArray(value);
    for (const [key, inner] of Object.entries(value))
      open.push({ value: inner, path: [...path, isList ? Number(key) : key] });
  }
  return findings;
}
