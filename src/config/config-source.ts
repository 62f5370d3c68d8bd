import { dirname, resolve } from 'node:path';
import { type Finding, failing, type Path } from './problem/problem.ts';
import { expandTemplates } from './templates/templates.ts';
import { readText } from './yaml/config-text.ts';
import { readIncluded } from './yaml/included-sources.ts';
import type { Environment } from './yaml/interpolate.ts';
import { type OutsideValues, outsideValues } from './yaml/outside-values.ts';
import { Positions } from './yaml/positions.ts';
import { MAX_DEPTH } from './yaml/yaml-document.ts';
import { readYaml, type Source } from './yaml/yaml-source.ts';

/** YAML that is not a file; messages have `name` in its place, and relative plugins are looked for beside it. */
export interface ConfigText {
  readonly text: string;
  readonly name: string;
}

export interface ReadConfig {
  readonly source: Source;
  /** Where relative plugins are. */
  readonly folder: string;
  /** Absolute paths of the files that were read. */
  readonly files: readonly string[];
}

/** Reads a file, a text or an object, and the files that it includes. Rejects with TG_CONFIG_UNREADABLE. */
export async function readSource(from: string | ConfigText | object, env: Environment): Promise<ReadConfig> {
  if (typeof from === 'string') return await readFrom(from, await readText(from), env, outsideValues());
  if (isText(from)) return await readFrom(from.name, from.text, env);
  const positions = new Positions('configuration');
  const findings = [...unreadableIn(from), ...yamlAloneIn(from)];
  const value = findings.length > 0 ? undefined : from;
  return { source: { value, positions, findings, spoiled: [], variables: [] }, folder: process.cwd(), files: [] };
}

async function readFrom(name: string, text: string, env: Environment, outside?: OutsideValues): Promise<ReadConfig> {
  const read = (content: string, file: string) => readYaml(content, file, env, outside);
  const { source, included } = await readIncluded(read(text, name), name, read);
  const expanded = source.value === undefined ? source : expandTemplates(source, { env, outside });
  // Only a file can say what commands print and files hold, and only it is one.
  const files = outside === undefined ? included : [resolve(name), ...included];
  return { source: expanded, folder: dirname(name), files };
}

/** A program has functions in place of templates, and modules in place of files. */
function yamlAloneIn(settings: object): Finding[] {
  return ['include', 'templates']
    .filter((section) => Object.hasOwn(settings, section))
    .map((section) => failing([section], 'is for YAML; a program that makes its settings has functions and modules'));
}

function isText(from: object): from is ConfigText {
  return (
    typeof (from as Partial<ConfigText>).text === 'string' && typeof (from as Partial<ConfigText>).name === 'string'
  );
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
