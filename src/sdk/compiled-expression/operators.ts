import { ExactNumber } from '../../core/exact-number.ts';
import { type Computation, finite, GIVE_UP, MAX_TEXT } from './computation.ts';
import { truthOf, writtenOf } from './conversions.ts';

type Operator = (left: Computation, right: Computation) => Computation;

/** The binary operators of JSONata 2.2 (https://docs.jsonata.org/comparison-operators and the pages beside it). */
export const OPERATORS: Readonly<Record<string, Operator>> = {
  '=': equality(true),
  '!=': equality(false),
  '<': comparison((left, right) => left < right),
  '<=': comparison((left, right) => left <= right),
  '>': comparison((left, right) => left > right),
  '>=': comparison((left, right) => left >= right),
  '+': arithmetic((left, right) => left + right),
  '-': arithmetic((left, right) => left - right),
  '*': arithmetic((left, right) => left * right),
  '/': arithmetic((left, right) => left / right),
  '%': arithmetic((left, right) => left % right),
  '&': joined,
  and: conjunction,
  or: disjunction,
  in: membership,
};

/** Numbers and texts, of one type each; a missing value beside one of them gives none. */
function comparison<T extends number | string>(compare: (left: T, right: T) => boolean): Operator {
  return (left, right) => (message) => {
    const a = left(message);
    const b = right(message);
    if (typeof a === 'number' && typeof b === 'number') return compare(a as T, b as T);
    if (typeof a === 'string' && typeof b === 'string') return compare(a as T, b as T);
    return isMissingBeside(a, b, isComparable) ? undefined : GIVE_UP;
  };
}

function arithmetic(compute: (left: number, right: number) => number): Operator {
  return (left, right) => (message) => {
    const a = left(message);
    const b = right(message);
    if (typeof a === 'number' && typeof b === 'number') return finite(compute(a, b));
    return isMissingBeside(a, b, Number.isFinite) ? undefined : GIVE_UP;
  };
}

function isComparable(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'string';
}

/** Whether one of two is missing and the other one, too, or what `fits`. */
function isMissingBeside(a: unknown, b: unknown, fits: (value: unknown) => boolean): boolean {
  if (a === undefined) return b === undefined || fits(b);
  return b === undefined && fits(a);
}

/** A missing value is neither equal nor unequal to anything. */
function equality(wanted: boolean): Operator {
  return (left, right) => (message) => {
    const a = left(message);
    const b = right(message);
    if (a === GIVE_UP || b === GIVE_UP) return GIVE_UP;
    if (a === undefined || b === undefined) return false;
    const areObjects = typeof a === 'object' && typeof b === 'object' && a !== null && b !== null;
    if (!areObjects) return (a === b) === wanted;
    if (a instanceof ExactNumber && b instanceof ExactNumber) return (a.digits === b.digits) === wanted;
    return GIVE_UP;
  };
}

function membership(left: Computation, right: Computation): Computation {
  return (message) => {
    const a = left(message);
    const b = right(message);
    if (a === GIVE_UP || b === GIVE_UP) return GIVE_UP;
    if (a === undefined || b === undefined) return false;
    return Array.isArray(b) ? b.includes(a) : a === b;
  };
}

function conjunction(left: Computation, right: Computation): Computation {
  return (message) => {
    const a = truthOf(left(message));
    if (a === GIVE_UP) return GIVE_UP;
    return a === true ? (truthOf(right(message)) ?? false) : false;
  };
}

function disjunction(left: Computation, right: Computation): Computation {
  return (message) => {
    const a = truthOf(left(message));
    if (a === GIVE_UP) return GIVE_UP;
    return a === true ? true : (truthOf(right(message)) ?? false);
  };
}

/** A missing value is an empty text. */
function joined(left: Computation, right: Computation): Computation {
  return (message) => {
    const a = writtenOf(left(message));
    const b = writtenOf(right(message));
    if (a === GIVE_UP || b === GIVE_UP) return GIVE_UP;
    const text = (a ?? '') + (b ?? '');
    return text.length <= MAX_TEXT ? text : GIVE_UP;
  };
}
