import type jsonata from 'jsonata';
import type { TidegateError } from '../core/errors.ts';
import { ExactNumber } from '../core/exact-number.ts';
import { type Budget, LIMITS, overLimit } from './budget.ts';
import { toText } from './jsonata-functions.ts';
import { jsonataLibrary } from './jsonata-library.ts';
import { ENTRY, type Focus } from './jsonata-runtime.ts';
import { LONG_SEARCHES } from './long-searches.ts';
import { orderBy, sort } from './sorting.ts';
import { isLongSearch } from './text-search.ts';
import { isFunction } from './value.ts';
import { sizeOf } from './value-size.ts';

/** A function as JSONata has it. */
interface NativeFunction {
  readonly _jsonata_function: true;
  readonly implementation: (this: Focus, ...inputs: unknown[]) => unknown;
  readonly signature: unknown;
}

/** What is checked before a function runs, and after it. */
interface Rule {
  readonly before?: (inputs: unknown[], budget: Budget) => void;
  readonly after?: (result: unknown, budget: Budget) => void;
}

/**
 * Replaces functions of JSONata 2.2 that can make long texts and lists from short ones, or whose time grows with the square
 * of a list. Their results are the same (https://docs.jsonata.org/string-functions, .../array-functions).
 */
export function boundFunctions(compiled: jsonata.Expression): void {
  for (const [name, replacement] of replacements()) compiled.assign(name, replacement);
  // Its text cannot be checked; lint refuses it, too.
  compiled.assign('eval', undefined);
}

const MAKES_TEXT: Rule = { after: (text, budget) => budget.write(lengthOf(text)) };

const RULES: Readonly<Record<string, Rule>> = {
  ...Object.fromEntries(
    `lowercase uppercase trim replace base64encode base64decode encodeUrl encodeUrlComponent decodeUrl
    decodeUrlComponent`
      .split(/\s+/)
      .map((name) => [name, MAKES_TEXT]),
  ),
  pad: {
    before: ([, width, filler], budget) => budget.write(Math.abs(Number(width ?? 0)) * Math.max(1, lengthOf(filler))),
  },
  join: {
    before: ([texts, separator], budget) => {
      if (!Array.isArray(texts)) return;
      budget.write(texts.reduce((sum: number, text) => sum + lengthOf(text), texts.length * lengthOf(separator)));
    },
  },
  contains: {},
  substringBefore: {},
  substringAfter: {},
  split: {
    before: (inputs) => {
      const [, , max] = inputs;
      if (typeof max !== 'number' || max > LIMITS.items) inputs[2] = LIMITS.items + 1;
    },
    after: (parts) => {
      if (Array.isArray(parts) && parts.length > LIMITS.items) throw tooLong();
    },
  },
  append: { before: (_, budget) => budget.step() },
  clone: { before: ([value]) => void sizeOf(value) },
  formatNumber: { before: ([, picture]) => checkLength(picture) },
  formatInteger: { before: ([, picture]) => checkLength(picture) },
  parseInteger: { before: (texts) => texts.forEach(checkLength) },
  fromMillis: { before: ([, picture]) => checkLength(picture) },
  toMillis: {
    before: ([time, picture]) => {
      checkLength(picture);
      if (picture !== undefined && lengthOf(time) > LIMITS.time)
        throw overLimit(`reads a time of more than ${LIMITS.time} characters by a picture`);
    },
  },
};

/** Characters of a text in which a search may take noticeable time. */
const LONG_TEXT = 1_000;

/** A width such as `[Y,9999-]`: how many digits are written. */
const WIDE = /[,-]\s*\d{4}/;

function checkLength(picture: unknown): void {
  if (typeof picture !== 'string') return;
  if (picture.length > LIMITS.picture || WIDE.test(picture))
    throw overLimit(`has a picture, or a number as text, of more than ${LIMITS.picture} characters`);
}

function lengthOf(text: unknown): number {
  return typeof text === 'string' ? text.length : 0;
}

/** Looks a function up in the environment of JSONata, which does not export its functions. */
export function standardFunction(name: string): NativeFunction {
  let found: unknown;
  const probe = jsonataLibrary()('null');
  probe.assign(
    // The types of JSONata allow only strings as names.
    ENTRY as unknown as string,
    (...[, , { lookup }]: [unknown, unknown, { lookup: (name: string) => unknown }]) => {
      found = lookup(name);
    },
  );
  // The entry function is called before the first await.
  void probe.evaluate(null);
  return found as NativeFunction;
}

function bounded(name: string, { before, after }: Rule): NativeFunction {
  const original = standardFunction(name);
  const { implementation } = original;
  return replaced(original, function (this: Focus, ...inputs: unknown[]): unknown {
    const { budget } = this.environment.base;
    before?.(inputs, budget);
    const result = searchLong(name, inputs, budget) ?? implementation.apply(this, inputs);
    if (after === undefined) return result;
    if (!(result instanceof Promise)) {
      after(result, budget);
      return result;
    }
    return result.then((settled: unknown) => {
      after(settled, budget);
      return settled;
    });
  });
}

/** undefined if the function does not search a text, or if the search is short. */
function searchLong(name: string, [text, pattern, ...more]: readonly unknown[], budget: Budget): unknown {
  const search = LONG_SEARCHES[name];
  if (search === undefined || typeof text !== 'string' || typeof pattern !== 'string') return undefined;
  if (text.length > LONG_TEXT) budget.look();
  if (!isLongSearch(text, pattern)) return undefined;
  // JSONata reports limits below 0; with 0 nothing is searched.
  const limit = name === 'split' ? more[0] : name === 'replace' ? more[1] : undefined;
  return typeof limit === 'number' && limit <= 0 ? undefined : search(text, pattern, more, budget);
}

/** For a partial application by `?`, JSONata reads the number of parameters, and their names from the source text. */
function replaced(original: NativeFunction, implementation: NativeFunction['implementation']): NativeFunction {
  Object.defineProperty(implementation, 'length', { value: original.implementation.length });
  implementation.toString = () => original.implementation.toString();
  return { ...original, implementation };
}

/** `a & b`: a missing value is an empty text. */
function join(this: Focus, ...values: unknown[]): string {
  let whole = '';
  for (const value of values) {
    // Failing is better than writing other digits.
    if (value instanceof ExactNumber) throw value.refusal();
    whole += toText.call(this, value) ?? '';
  }
  this.environment.base.budget.write(whole.length);
  return whole;
}

/** `*`: the values of all fields, lists as their items. */
function wildcard(this: Focus): unknown[] {
  const { input } = this;
  const whole = Array.isArray(input) && 'outerWrapper' in input && input.length > 0 ? (input[0] as unknown) : input;
  if (typeof whole !== 'object' || whole === null || isFunction(whole)) return this.createSequence();
  const values = Object.values(whole);
  const results = values.some(Array.isArray) ? [] : this.createSequence();
  for (const value of values) addItems(value, results);
  return results;
}

/** Adds a value, or the items of a list and of the lists in it. */
function addItems(value: unknown, results: unknown[]): void {
  if (Array.isArray(value)) for (const item of value) addItems(item, results);
  else add(value, results);
}

/** An object for each field. */
function spread(this: Focus, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || isFunction(value)) return value;
  const results = Array.isArray(value) && value.length > 0 ? [] : this.createSequence();
  addFields(value, results);
  return results;
}

function addFields(value: unknown, results: unknown[]): void {
  if (Array.isArray(value)) for (const item of value) addFields(item, results);
  else if (typeof value !== 'object' || value === null || isFunction(value)) add(value, results);
  else
    for (const [name, field] of Object.entries(value))
      add(Object.assign(Object.create(null), { [name]: field }), results);
}

function add(item: unknown, results: unknown[]): void {
  if (results.length >= LIMITS.items) throw tooLong();
  results.push(item);
}

function tooLong(): TidegateError {
  return overLimit(`makes a list of more than ${LIMITS.items} items`);
}

/** Values that are equal in JSONata have the same text, so that each value is compared once. */
function distinct(this: Focus, values: unknown): unknown {
  if (!Array.isArray(values) || values.length <= 1) return values;
  sizeOf(values);
  const isSequence = 'sequence' in values && values.sequence === true;
  const results = isSequence ? this.createSequence() : [];
  const seen = new Set<unknown>();
  for (const value of values) {
    const mark = isFunction(value) ? value : canonical(value);
    if (seen.has(mark)) continue;
    seen.add(mark);
    results.push(value);
  }
  return results;
}

function canonical(value: unknown): string {
  if (value instanceof ExactNumber) return `n${value.digits}`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined';
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical((value as Record<string, unknown>)[name])}`).join()}}`;
}

let made: readonly (readonly [string, NativeFunction])[] | undefined;

/** Once, with the first expression: the functions that are replaced come from JSONata itself. */
function replacements(): readonly (readonly [string, NativeFunction])[] {
  made ??= [
    ...Object.entries(RULES).map(([name, rule]) => [name, bounded(name, rule)] as const),
    ['sort', replaced(standardFunction('sort'), sort as NativeFunction['implementation'])],
    ['distinct', replaced(standardFunction('distinct'), distinct)],
    ['spread', replaced(standardFunction('spread'), spread)],
    ['^', { _jsonata_function: true, implementation: orderBy, signature: undefined }],
    ['*', { _jsonata_function: true, implementation: wildcard, signature: undefined }],
    ['&', { _jsonata_function: true, implementation: join, signature: undefined }],
  ];
  return made;
}
