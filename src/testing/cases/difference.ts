import { isRecord } from '../../config/problem/record.ts';
import { AnyValue, Condition, isPatternList, type Pattern } from '../../config/tests/pattern.ts';
import { reasonOf } from '../../core/errors.ts';
import { ExactNumber, writeJson } from '../../core/exact-number.ts';
import type { Message } from '../../core/message.ts';
import { cut } from '../../core/quote.ts';

/** Characters of a value that a difference shows. */
const MAX_SHOWN = 300;

export type ValuePath = readonly (string | number)[];

/** Where a value is not what was expected. */
export interface Difference {
  /** Within the expectation: `['json', 'total']`. */
  readonly path: ValuePath;
  readonly expected: string;
  readonly got: string;
}

/** `exact`: objects have no other fields than those that are expected. */
export type Comparison = 'exact' | 'contains';

/** Where `value` differs from what is expected of it. `message`: the whole message, for conditions. */
export async function compare(
  pattern: Pattern,
  value: unknown,
  message: Message,
  comparison: Comparison = 'exact',
  path: ValuePath = [],
): Promise<Difference[]> {
  if (pattern instanceof AnyValue) return value === undefined ? [{ path, expected: 'any value', got: 'nothing' }] : [];
  if (pattern instanceof Condition) return await unmet(pattern, value, message, path);
  if (isPatternList(pattern)) return await compareLists(pattern, value, message, comparison, path);
  if (typeof pattern === 'object' && pattern !== null)
    return await compareObjects(pattern, value, message, comparison, path);
  return isSame(pattern, value) ? [] : [differing(pattern, value, path)];
}

/** What a condition gives in place of true. */
async function unmet(
  { expression }: Condition,
  value: unknown,
  message: Message,
  path: ValuePath,
): Promise<Difference[]> {
  const got = value === undefined ? '' : `, for ${show(value)}`;
  try {
    const result = await expression.evaluate(message);
    if (result === true) return [];
    const what = result === undefined ? 'no value' : show(result);
    return [{ path, expected: `${expression.text} to be true`, got: `${what}${got}` }];
  } catch (error) {
    return [{ path, expected: `${expression.text} to be true`, got: `an error: ${reasonOf(error)}${got}` }];
  }
}

async function compareLists(
  patterns: readonly Pattern[],
  value: unknown,
  message: Message,
  comparison: Comparison,
  path: ValuePath,
): Promise<Difference[]> {
  if (!Array.isArray(value)) return [differing(patterns, value, path)];
  const differences: Difference[] = [];
  for (const [at, pattern] of patterns.entries()) {
    if (at < value.length) differences.push(...(await compare(pattern, value[at], message, comparison, [...path, at])));
    else differences.push({ path: [...path, at], expected: show(pattern), got: 'nothing' });
  }
  for (let at = patterns.length; at < value.length; at += 1)
    differences.push({ path: [...path, at], expected: 'nothing', got: show(value[at]) });
  return differences;
}

async function compareObjects(
  patterns: Readonly<Record<string, Pattern>>,
  value: unknown,
  message: Message,
  comparison: Comparison,
  path: ValuePath,
): Promise<Difference[]> {
  if (!isObject(value)) return [differing(patterns, value, path)];
  const differences: Difference[] = [];
  for (const [name, pattern] of Object.entries(patterns)) {
    const inner = Object.hasOwn(value, name) ? value[name] : undefined;
    differences.push(...(await compare(pattern, inner, message, comparison, [...path, name])));
  }
  if (comparison === 'contains') return differences;
  for (const [name, inner] of Object.entries(value))
    if (!Object.hasOwn(patterns, name))
      differences.push({ path: [...path, name], expected: 'nothing', got: show(inner) });
  return differences;
}

/** A number that a double cannot hold is compared with what YAML makes of its digits, which is that double. */
function isSame(pattern: Pattern, value: unknown): boolean {
  return Object.is(pattern, value) || (value instanceof ExactNumber && Number(value.digits) === pattern);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return isRecord(value) && !(value instanceof ExactNumber);
}

export function differing(pattern: Pattern, value: unknown, path: ValuePath): Difference {
  return { path, expected: show(pattern), got: value === undefined ? 'nothing' : show(value) };
}

/** A value or an expectation as it is printed. */
export function show(value: unknown): string {
  return cut(writeJson(plain(value)) ?? String(value), MAX_SHOWN);
}

/** An expectation as the file has it. */
function plain(value: unknown): unknown {
  if (value instanceof AnyValue) return value.text;
  if (value instanceof Condition) return value.expression.text;
  if (Array.isArray(value)) return value.map(plain);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}
