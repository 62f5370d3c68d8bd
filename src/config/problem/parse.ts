import type { z } from 'zod';
import { findingsOf, offendingPaths, PARSE_OPTIONS } from './issues.ts';
import type { Finding, Path } from './problem.ts';

export interface Parsed<T> {
  /** undefined only where not even the rest can be read. */
  readonly config: T | undefined;
  readonly findings: readonly Finding[];
  /** What was left out of `config` because it is wrong. */
  readonly leftOut: readonly Path[];
}

/** More rounds than any file has levels; each takes away what the one before complained of. */
const ROUNDS = 20;

/**
 * Parses settings and finds every mistake in them. Where there are some, `config` is what remains without the wrong
 * settings, so that the names in the rest can still be checked against each other.
 */
export function parseSettings<T>(schema: z.ZodType<T>, value: unknown): Parsed<T> {
  const input = structuredClone(value);
  let result = schema.safeParse(input, PARSE_OPTIONS);
  if (!result.success && convertTexts(input, result.error.issues)) result = schema.safeParse(input, PARSE_OPTIONS);
  if (result.success) return { config: result.data, findings: [], leftOut: [] };
  const findings = findingsOf(result.error.issues);
  const leftOut: Path[] = [];
  for (let round = 0; round < ROUNDS && !result.success; round++) {
    for (const path of offendingPaths(result.error.issues)) {
      const removed = remove(input, path);
      if (removed === undefined) return { config: undefined, findings, leftOut };
      leftOut.push(removed);
    }
    result = schema.safeParse(input, PARSE_OPTIONS);
  }
  return { config: result.success ? result.data : undefined, findings, leftOut };
}

/** Gives text the type that a plain zod schema asks for: what comes from a variable is always text. */
function convertTexts(input: unknown, issues: readonly z.core.$ZodIssue[]): boolean {
  let changed = false;
  for (const issue of issues) {
    if (issue.code !== 'invalid_type' || typeof issue.input !== 'string') continue;
    const value = converted(issue.input, issue.expected);
    const parent = at(input, issue.path.slice(0, -1) as Path);
    const key = issue.path.at(-1);
    if (value === undefined || parent === undefined || key === undefined) continue;
    parent[key as string] = value;
    changed = true;
  }
  return changed;
}

function converted(text: string, expected: string): unknown {
  if (expected === 'number' || expected === 'int') {
    const number = Number(text);
    return text.trim() === '' || Number.isNaN(number) ? undefined : number;
  }
  if (expected !== 'boolean') return undefined;
  return text === 'true' ? true : text === 'false' ? false : undefined;
}

/** Takes a setting out. What is missing, or is in a list, takes what it belongs to with it. */
function remove(input: unknown, path: Path): Path | undefined {
  const key = path.at(-1);
  if (key === undefined) return undefined;
  const parent = at(input, path.slice(0, -1));
  if (parent === undefined || Array.isArray(parent) || !Object.hasOwn(parent, key))
    return remove(input, path.slice(0, -1));
  delete parent[key as string];
  return path;
}

function at(input: unknown, path: Path): Record<string, unknown> | undefined {
  let value = input;
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[step as string];
  }
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
}
