import { ExactNumber } from '../../core/exact-number.ts';
import { isFunction } from '../value.ts';
import { GIVE_UP } from './computation.ts';

type Or<T> = T | undefined | typeof GIVE_UP;

/** What `$boolean` gives: undefined for a missing value. */
export function truthOf(value: unknown): Or<boolean> {
  switch (typeof value) {
    case 'boolean':
    case 'undefined':
      return value;
    case 'string':
      return value !== '';
    case 'number':
      return Number.isFinite(value) ? value !== 0 : GIVE_UP;
    case 'object':
      return value === null ? false : truthOfObject(value);
    default:
      return GIVE_UP;
  }
}

function truthOfObject(value: object): Or<boolean> {
  if (Array.isArray(value) || isFunction(value)) return GIVE_UP;
  return Object.keys(value).length > 0;
}

/** A value as `&` writes it, undefined for a missing one. Numbers that a double cannot hold fail there. */
export function writtenOf(value: unknown): Or<string> {
  switch (typeof value) {
    case 'string':
    case 'undefined':
      return value;
    case 'boolean':
      return value ? 'true' : 'false';
    case 'number':
      return writtenNumber(value);
    default:
      return value === null ? 'null' : GIVE_UP;
  }
}

/** What `$string` gives: as `&`, and all digits of a number that a double cannot hold. */
export function textOf(value: unknown): Or<string> {
  return value instanceof ExactNumber ? value.digits : writtenOf(value);
}

/** Fractions have 15 digits, as in JSONata: 0.1 + 0.2 is 0.3. */
function writtenNumber(value: number): Or<string> {
  if (!Number.isFinite(value)) return GIVE_UP;
  return String(Number.isInteger(value) ? value : Number(value.toPrecision(15)));
}
