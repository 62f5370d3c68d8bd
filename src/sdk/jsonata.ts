import type jsonata from 'jsonata';
import { reasonOf, TidegateError } from '../core/errors.ts';
import { ExactNumber, writeJson } from '../core/exact-number.ts';
import type { Message } from '../core/message.ts';
import { quoteValue } from '../core/quote.ts';
import { LIMITS, overLimit } from './budget.ts';
import { compileTree } from './compiled-expression/compile.ts';
import { type Computation, GIVE_UP, isShortText } from './compiled-expression/computation.ts';
import type { OtherRoots } from './compiled-expression/paths.ts';
import { type Checked, checkJsonata } from './jsonata-checks.ts';
import { registerExactFunctions } from './jsonata-functions.ts';
import { jsonataLibrary } from './jsonata-library.ts';
import { type JsonataOptions, limit } from './jsonata-limits.ts';
import { type OwnFunctions, registerOwnFunctions } from './own-functions.ts';
import { isRoot, rootsOf } from './roots.ts';
import { after, isFunction, textOf, type Value } from './value.ts';
import { sizeOf } from './value-size.ts';

/** An expression over the roots of a message, and perhaps others. */
export interface Program extends Checked {
  /** The same for a message, at once; undefined where only JSONata can evaluate it. */
  readonly compute: Computation | undefined;
  /** Rejects with TG_EXPRESSION_FAILED or TG_EXPRESSION_LIMIT. */
  run(roots: object): Promise<unknown>;
}

/** Compiles an expression that is more than a path. Throws an Error that says what is wrong. */
export function compileJsonata(source: string, functions: OwnFunctions = {}): Value {
  const { reads, doubts, compute, run } = compileProgram(source, isRoot, { functions });
  const evaluate = (message: Message): unknown => {
    const value = valueAtOnce(compute, message);
    return value === GIVE_UP ? run(rootsOf(message)) : value;
  };
  return {
    isSynchronous: false,
    isWritten: true,
    reads,
    doubts,
    evaluate,
    text: (message) => after(evaluate(message), textOf),
    json: (message) => after(evaluate(message), writeJson),
  };
}

/** What `compute` gives, or GIVE_UP where JSONata has to be asked. */
export function valueAtOnce(compute: Computation | undefined, message: Message): unknown {
  const value = compute === undefined ? GIVE_UP : compute(message);
  return isSound(value) ? value : GIVE_UP;
}

interface Additions {
  /** The values of names that it may begin with and that are none of a message. */
  readonly others?: OtherRoots;
  readonly functions?: OwnFunctions;
}

/** `mayBegin`: the names that it may begin with. Throws an Error that says what is wrong. */
export function compileProgram(
  source: string,
  mayBegin: (name: string) => boolean,
  { others = {}, functions = {} }: Additions = {},
): Program {
  const options = { sequence: LIMITS.items };
  const compiled = parse(source, options);
  const { reads, doubts } = checkJsonata(source, compiled.ast(), mayBegin, new Set(Object.keys(functions)));
  // Before its limits rewrite the tree.
  const compute = compileTree(compiled.ast(), others);
  registerExactFunctions(compiled);
  registerOwnFunctions(compiled, functions);
  limit(compiled, options);
  const run = (roots: object): Promise<unknown> => {
    const value = compiled
      .evaluate(roots)
      .then((result: unknown) => checked(result, source))
      .catch((error: unknown) => {
        throw failureOf(error, source, options.sequence);
      });
    // If several expressions are evaluated and one throws at once, nothing waits for the others.
    value.catch(() => {});
    return value;
  };
  return { reads, doubts, compute, run };
}

/** Whether `checked` would let it pass. */
function isSound(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value === 'string') return isShortText(value);
  if (typeof value !== 'object' || value === null) return typeof value !== 'function';
  try {
    return !isFunction(value) && sizeOf(value).values > 0;
  } catch {
    return false;
  }
}

/** A value that has neither text nor JSON is a mistake, not null. */
function checked(result: unknown, source: string): unknown {
  if (isFunction(result))
    throw new TidegateError('TG_EXPRESSION_FAILED', `${source} gives a function; call it by its name and ( )`);
  if (typeof result === 'number' && !Number.isFinite(result))
    throw new TidegateError('TG_EXPRESSION_FAILED', `${source} gives ${result}, which JSON cannot express`);
  sizeOf(result);
  return result;
}

/** Codes of JSONata for a list or range that is too long. */
const TOO_LONG = new Set(['D2014', 'D2015']);

const SORT_INSTEAD =
  'instead of ^( ) with @, #, % or [], or behind $, use $sort(list, function($a, $b) { $a.price > $b.price })';

/** `items`: the longest list that the expression may make. */
function failureOf(error: unknown, source: string, items: number): TidegateError {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  if (error instanceof TidegateError && error.code === 'TG_EXPRESSION_LIMIT') return limitOf(error.message, source);
  if (TOO_LONG.has(String(code))) {
    const advice = items === LIMITS.sortedItems ? SORT_INSTEAD : undefined;
    return limitOf(overLimit(`makes a list of more than ${items} items`, advice).message, source);
  }
  // The stack or the text is too large for JavaScript.
  if (error instanceof RangeError) return limitOf(overLimit(`fails by "${error.message}"`).message, source);
  const reason = reasonIn(error);
  if (reason instanceof TidegateError) return reason;
  return new TidegateError('TG_EXPRESSION_FAILED', `${quoteValue(source)}: ${quoteValue(reasonOf(reason))}`, error);
}

function limitOf(reason: string, source: string): TidegateError {
  return new TidegateError('TG_EXPRESSION_LIMIT', `\${! ${quoteValue(source)} }: ${reason}`);
}

/** JSONata treats a number that a double cannot hold as an object, and reports that it needs a number. */
function reasonIn(error: unknown): unknown {
  const { value } = (error ?? {}) as { readonly value?: unknown };
  const long = (Array.isArray(value) ? value : [value]).find((one) => one instanceof ExactNumber);
  return long instanceof ExactNumber ? long.refusal() : error;
}

function parse(source: string, options: JsonataOptions): jsonata.Expression {
  try {
    return jsonataLibrary()(source, options as jsonata.JsonataOptions);
  } catch (error) {
    const why = error instanceof RangeError ? 'it is nested too deeply' : reasonOf(error);
    throw new Error(`${quoteValue(source)} is not a JSONata expression: ${why}`);
  }
}
