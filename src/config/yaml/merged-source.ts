import { isAbsolute, resolve } from 'node:path';
import { type Finding, failing, formatPath, type Path } from '../problem/problem.ts';
import { isRecord } from '../problem/record.ts';
import type { Positions } from './positions.ts';
import type { FilledVariable } from './yaml-reader.ts';
import type { Source } from './yaml-source.ts';

/** Settings by names that the user chooses. Each name is in one file only. */
const NAMED = new Set(['auth', 'listeners', 'endpoints', 'pipelines', 'templates', 'log.topics']);

/** Lists that every file adds to. */
const LISTS = new Set(['plugins', 'tests']);

/** A configuration of several files: what one says, and what the others add to it. */
export class MergedSource {
  private readonly value: Record<string, unknown> = {};
  private readonly positions: Positions;
  private readonly findings: Finding[];
  private readonly spoiled: Path[];
  private readonly variables: FilledVariable[];
  private isBroken: boolean;

  constructor(first: Source) {
    const { value, positions, findings, spoiled, variables } = first;
    this.positions = positions;
    this.findings = [...findings];
    this.spoiled = [...spoiled];
    this.variables = [...variables];
    this.isBroken = value === undefined;
    if (isRecord(value)) for (const [key, inner] of Object.entries(value)) this.value[key] = ownCopy(inner);
  }

  /** Undefined where one of the files cannot be read. */
  get source(): Source {
    const { value, positions, findings, spoiled, variables } = this;
    return { value: this.isBroken ? undefined : value, positions, findings, spoiled, variables, isOfFiles: true };
  }

  fail(finding: Finding): void {
    this.findings.push(finding);
  }

  add({ value, positions, findings, spoiled, variables }: Source): void {
    this.positions.adopt(positions);
    for (const finding of findings) this.findings.push({ ...finding, text: positions.text });
    for (const path of spoiled) this.spoiled.push(path);
    for (const variable of variables) this.variables.push(variable);
    if (value === undefined) this.isBroken = true;
    else if (isRecord(value)) this.merge([], this.value, value, positions);
    else this.findings.push(positions.pin(failing([], 'expected sections such as auth, endpoints and pipelines')));
  }

  private merge(
    path: Path,
    into: Record<string, unknown>,
    from: Readonly<Record<string, unknown>>,
    positions: Positions,
  ): void {
    for (const [name, given] of Object.entries(from)) {
      const at = [...path, name];
      const known = into[name];
      if (path.length === 0 && name === 'include') continue;
      if (path.length === 0 && LISTS.has(name)) this.addToList(into, name, given, positions);
      // A section without entries says nothing.
      else if (given === null && name in into) continue;
      else if (!Object.hasOwn(into, name) || known === null) {
        into[name] = ownCopy(given);
        this.positions.put(at, positions.at(at));
      } else if (isRecord(known) && isRecord(given) && !NAMED.has(formatPath(path)))
        this.merge(at, known, given, positions);
      else this.findings.push(this.twice(at, path, positions));
    }
  }

  private twice(at: Path, section: Path, positions: Positions): Finding {
    const other = this.positions.nameOf(at);
    const message = NAMED.has(formatPath(section))
      ? `${String(at.at(-1))} is at ${other} already; a name may be in one file only`
      : `this is set at ${other} already; keep one of them`;
    return positions.pin(failing(at, message, { at: 'key' }));
  }

  private addToList(into: Record<string, unknown>, name: string, given: unknown, positions: Positions): void {
    const list = listOf(into[name]);
    for (const [index, item] of listOf(given).entries()) {
      this.positions.put([name, list.length], positions.at(Array.isArray(given) ? [name, index] : [name]));
      list.push(name === 'plugins' ? fileIn(positions.text.folder, item) : item);
    }
    into[name] = list;
  }
}

/** Lists may be one text with commas. */
function listOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return [...value];
  if (typeof value === 'string') return value.split(',').flatMap((part) => part.trim() || []);
  return value === undefined || value === null ? [] : [value];
}

/** A plugin is looked for beside the file that names it. */
function fileIn(folder: string, plugin: unknown): unknown {
  return typeof plugin === 'string' && plugin.startsWith('.') && !isAbsolute(plugin) ? resolve(folder, plugin) : plugin;
}

/** Settings that others may be added to. */
function ownCopy(value: unknown): unknown {
  return isRecord(value)
    ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, ownCopy(inner)]))
    : value;
}
