import { ExactNumber } from '../../core/exact-number.ts';
import { standardFunction } from '../bounded-functions.ts';
import { toNumber } from '../jsonata-functions.ts';
import { isLongSearch } from '../text-search.ts';
import { isFunction } from '../value.ts';
import { type Computation, finite, GIVE_UP, isShortText } from './computation.ts';
import { textOf, truthOf } from './conversions.ts';

type Unary = (value: unknown) => unknown;
type Binary = (first: unknown, second: unknown) => unknown;
type Ternary = (first: unknown, second: unknown, third: unknown) => unknown;

/**
 * A call of a function of JSONata 2.2 (https://docs.jsonata.org/string-functions and the pages beside it) with that many
 * arguments; undefined for others. A function of one argument has no value where that is missing.
 */
export function compileCall(name: string, inputs: readonly Computation[]): Computation | undefined {
  const [first, second, third] = inputs;
  if (first === undefined || inputs.length > 3) return undefined;
  if (second === undefined) {
    const call = ONE[name]?.();
    return call && ((message) => applied(call, first(message)));
  }
  if (third === undefined) {
    const call = TWO[name]?.();
    return call && ((message) => call(first(message), second(message)));
  }
  const call = THREE[name]?.();
  return call && ((message) => call(first(message), second(message), third(message)));
}

/** JSONata wraps what it takes for a function. */
function applied(call: Unary, value: unknown): unknown {
  return value === GIVE_UP || isFunction(value) ? GIVE_UP : call(value);
}

/** Made when an expression is compiled: JSONata itself gives most of them, and is loaded by then. */
const ONE: Readonly<Partial<Record<string, () => Unary>>> = {
  string: () => textOf,
  number: () => numberFrom,
  boolean: () => truthOf,
  not: () => (value) => {
    const truth = truthOf(value);
    return typeof truth === 'boolean' ? !truth : truth;
  },
  exists: () => (value) => value !== undefined,
  count: () => (value) => (value === undefined ? 0 : Array.isArray(value) ? value.length : 1),
  length: () => ofText(charactersOf),
  uppercase: () => ofText(native('uppercase')),
  lowercase: () => ofText(native('lowercase')),
  trim: () => ofText(native('trim')),
  toMillis: () => ofText(attempted(native('toMillis'))),
  abs: () => ofNumber(Math.abs),
  floor: () => ofNumber(Math.floor),
  ceil: () => ofNumber(Math.ceil),
  round: () => ofNumber(native('round') as (value: number) => number),
  fromMillis: () => ofNumber(attempted(native('fromMillis'))),
};

const TWO: Readonly<Partial<Record<string, () => Binary>>> = {
  contains: () => ofTexts((text, part) => text.includes(part)),
  substringBefore: () => ofTexts(native('substringBefore')),
  substringAfter: () => ofTexts(native('substringAfter')),
  substring: () => {
    const substring = native('substring');
    return (text, start) =>
      isShortText(text) && Number.isFinite(start) ? substring(text, start) : noneOr(text, Number.isFinite(start));
  },
  round: () => {
    const round = native('round');
    return (value, places) =>
      Number.isFinite(value) && Number.isFinite(places)
        ? finite(round(value, places) as number)
        : noneOr(value, Number.isFinite(places));
  },
};

const THREE: Readonly<Partial<Record<string, () => Ternary>>> = {
  substring: () => {
    const substring = native('substring');
    return (text, start, length) => {
      const areNumbers = Number.isFinite(start) && Number.isFinite(length);
      return isShortText(text) && areNumbers ? substring(text, start, length) : noneOr(text, areNumbers);
    };
  },
};

/** No value where the first argument is missing and the others are as they have to be. */
function noneOr(first: unknown, areOthersRight: boolean): unknown {
  return first === undefined && areOthersRight ? undefined : GIVE_UP;
}

function ofText(call: (text: string) => unknown): Unary {
  return (value) => (isShortText(value) ? call(value) : noneOr(value, true));
}

function ofTexts(call: (text: string, part: string) => unknown): Binary {
  return (text, part) => {
    if (!isShortText(text) || !isShortText(part)) return noneOr(text, isShortText(part));
    return isLongSearch(text, part) ? GIVE_UP : call(text, part);
  };
}

function ofNumber(call: (value: number) => unknown): Unary {
  return (value) => {
    if (typeof value !== 'number' || !Number.isFinite(value)) return noneOr(value, true);
    const result = call(value);
    return typeof result === 'number' ? finite(result) : result;
  };
}

function numberFrom(value: unknown): unknown {
  if (value === undefined || typeof value === 'number' || value instanceof ExactNumber) return value;
  return typeof value === 'boolean' || isShortText(value) ? attempted(toNumber)(value) : GIVE_UP;
}

/** JSONata throws it again, with its own words. */
function attempted(call: (value: unknown) => unknown): (value: unknown) => unknown {
  return (value) => {
    try {
      return call(value);
    } catch {
      return GIVE_UP;
    }
  };
}

/** A function that is neither asynchronous nor looks at what is around it. */
function native(name: string): (...inputs: readonly unknown[]) => unknown {
  return standardFunction(name).implementation as (...inputs: readonly unknown[]) => unknown;
}

/** Code points. */
function charactersOf(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
