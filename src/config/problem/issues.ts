import type { z } from 'zod';
import { COMPILING } from '../../sdk/compiled.ts';
import { tracingAdvice } from './foreign-tracing.ts';
import { type Finding, failing, formatPath, type Path } from './problem.ts';
import { didYouMean } from './suggest.ts';

type Issue = z.core.$ZodIssue;

/** Keys that a strict object would have known, by the object that had others. zod does not give them otherwise. */
const knownKeys = new WeakMap<object, readonly string[]>();

/** Characters of a wrong value that a message repeats. */
const MAX_SHOWN = 60;

const DEFAULT_MESSAGE = 'Invalid input';

/** Pass these to every `safeParse` of settings, so that `findingsOf` can say what was meant. */
export const PARSE_OPTIONS: z.core.ParseContext<z.core.$ZodIssue> = { reportInput: true, error: describe };

/** What a failed parse says, one finding for each mistake. */
export function findingsOf(issues: readonly Issue[], base: Path = []): Finding[] {
  return issues.flatMap((issue) => {
    const path = [...base, ...(issue.path as Path)];
    if (issue.code === 'unrecognized_keys') return unknownKeys(issue, path);
    if (issue.code === 'invalid_key') return [failing(path, issue.issues[0]?.message ?? issue.message, { at: 'key' })];
    if (issue.code === 'invalid_union') return unionFindings(issue, path);
    return [failing(path, messageOf(issue))];
  });
}

/** Settings that a finding is about, which have to go for the rest to be read. */
export function offendingPaths(issues: readonly Issue[], base: Path = []): Path[] {
  return issues.flatMap((issue) => {
    const path = [...base, ...(issue.path as Path)];
    return issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...path, key]) : [path];
  });
}

function describe(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'unrecognized_keys':
      rememberKeys(issue);
      return undefined;
    case 'invalid_type':
      return mismatch(issue.expected as string, issue.input) + settingsThere(issue);
    case 'invalid_value': {
      const values = (issue.values as readonly unknown[]).map(String);
      const word = typeof issue.input === 'string' ? issue.input : '';
      return issue.input === undefined
        ? `one of ${values.join(', ')}`
        : `expected ${values.length === 1 ? '' : 'one of '}${values.join(', ')}, but this is ${show(issue.input)}${didYouMean(word, values)}`;
    }
    default:
      return undefined;
  }
}

function rememberKeys(issue: z.core.$ZodRawIssue): void {
  const shape = (issue.inst as z.core.$ZodObject | undefined)?._zod.def.shape;
  if (shape !== undefined && typeof issue.input === 'object' && issue.input !== null) {
    knownKeys.set(issue.input, Object.keys(shape));
  }
}

function unknownKeys(issue: z.core.$ZodIssueUnrecognizedKeys, path: Path): Finding[] {
  const known = (issue.input === undefined ? undefined : knownKeys.get(issue.input)) ?? [];
  const siblings = (issue.input ?? {}) as Readonly<Record<string, unknown>>;
  const where = path.length === 0 ? 'at the top' : `in ${formatPath(path)}`;
  return issue.keys.map((key) => {
    const advice = adviceAbout(key, path, siblings);
    const hint = (advice === undefined ? '' : `; ${advice}`) || didYouMean(key, known) || thereAre(known);
    return failing([...path, key], `unknown key ${where}${hint}`, { at: 'key' });
  });
}

function adviceAbout(key: string, path: Path, siblings: Readonly<Record<string, unknown>>): string | undefined {
  if (path.length === 1 && path[0] === 'tracing') return tracingAdvice(key, siblings);
  return (key === 'on_error' || key === 'label' || key === 'timeout') && path.includes('processors')
    ? `write ${key} beside the processor, and not in its settings`
    : undefined;
}

/** Of several forms that a setting may have, the mistakes of the one that was meant. */
function unionFindings(issue: z.core.$ZodIssueInvalidUnion, path: Path): Finding[] {
  const hasWords = issue.message !== DEFAULT_MESSAGE;
  const meant = issue.errors.find((branch) => branch.every(hasWords ? isOfValue : isWithin));
  if (meant !== undefined) return findingsOf(meant, path);
  if (hasWords) return [failing(path, messageOf(issue))];
  const forms = issue.errors.map((branch) => branch[0]).filter((inner) => inner?.code === 'invalid_type');
  const expected = forms.map((inner) => WORDS[(inner as z.core.$ZodIssueInvalidType).expected] ?? 'something else');
  return [
    failing(
      path,
      expected.length === 0
        ? 'this has none of the forms that are understood'
        : `expected ${expected.join(' or ')}, but this is ${show(issue.input)}`,
    ),
  ];
}

/** The form has the keys that were given, or some of them. */
function isWithin({ path, code }: Issue): boolean {
  return path.length > 0 || code === 'unrecognized_keys';
}

/** The form has exactly the keys that were given, and one of their values is wrong; or it is text with a mistake in it. */
function isOfValue(issue: Issue): boolean {
  const isCompiling = issue.code === 'custom' && issue.params?.[COMPILING] === true;
  return isCompiling || (issue.path.length > 0 && issue.input !== undefined);
}

function messageOf(issue: Issue): string {
  const isMissing =
    issue.input === undefined &&
    (issue.code === 'invalid_type' || issue.code === 'invalid_value' || issue.code === 'invalid_union');
  if (!isMissing) return issue.message;
  // A field of any value has no words of its own for what is expected.
  const isAny = issue.code === 'invalid_type' && issue.expected === 'nonoptional';
  return isAny || issue.message === DEFAULT_MESSAGE ? 'is missing' : `is missing: ${issue.message}`;
}

/** `; there are a, b, c` where a value is in the place of a group of settings: `throttle: 1s` for `throttle: { every: 1s }`. */
function settingsThere({ inst, input }: z.core.$ZodRawIssue): string {
  const known = Object.keys((inst as z.core.$ZodObject | undefined)?._zod.def.shape ?? {});
  if (typeof input === 'object' || input === undefined || known.length === 0) return '';
  return thereAre(known);
}

function thereAre(known: readonly string[]): string {
  return known.length === 0 ? '' : `; there ${known.length === 1 ? 'is' : 'are'} ${known.join(', ')}`;
}

const WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'settings (key: value)',
  record: 'settings by name',
};

function mismatch(expected: string, input: unknown): string {
  const wanted = WORDS[expected] ?? expected;
  if (input === undefined) return wanted;
  if (input === null) return `is empty; write ${wanted}, or leave the key out`;
  if (expected === 'string' && typeof input !== 'object')
    return `expected text, but YAML reads a ${typeof input} here; put it in quotes`;
  return `expected ${wanted}, but this is ${show(input)}`;
}

function show(input: unknown): string {
  if (Array.isArray(input)) return 'a list';
  if (input === null) return 'empty';
  if (typeof input === 'object') return 'a group of settings';
  if (typeof input !== 'string') return String(input);
  return `"${input.length > MAX_SHOWN ? `${input.slice(0, MAX_SHOWN)}...` : input}"`;
}
