import type jsonata from 'jsonata';
import { ExactNumber, numberOf } from '../core/exact-number.ts';

/** A number as JSON and JSONata have it. */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const OTHER_BASE = /^0(?:[xX][\dA-Fa-f]+|[oO][0-7]+|[bB][01]+)$/;

/**
 * `$number` and `$string` of JSONata, for numbers that a double cannot hold too: the text of one becomes an ExactNumber
 * and not another number, and the other way its digits come back. All else is as in JSONata, its error codes too
 * (https://docs.jsonata.org/numeric-functions, https://docs.jsonata.org/string-functions).
 */
export function registerExactFunctions(expression: jsonata.Expression): void {
  expression.registerFunction('number', toNumber, '<x-:x>');
  expression.registerFunction('string', toText, '<x-b?:s>');
}

function toNumber(value: unknown): unknown {
  if (value === undefined || typeof value === 'number' || value instanceof ExactNumber) return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string') throw { code: 'T0410', index: 1, token: 'number', value };
  if (NUMBER.test(value)) return numberOf(value);
  const number = OTHER_BASE.test(value) ? Number(value) : Number.NaN;
  // JSONata puts the words to its codes.
  if (!Number.isFinite(number)) throw { code: 'D3030', value, token: 'number' };
  if (!Number.isSafeInteger(number)) throw new ExactNumber(value).refusal();
  return number;
}

function toText(value: unknown, isPretty = false): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  if (value instanceof ExactNumber) return value.digits;
  if (isFunction(value)) return '';
  if (typeof value === 'number' && !Number.isFinite(value)) throw { code: 'D3001', value };
  const { outerWrapper } = value as { readonly outerWrapper?: boolean };
  const whole = Array.isArray(value) && outerWrapper === true ? (value[0] as unknown) : value;
  return JSON.stringify(whole, (_, inner: unknown) => readable(inner), isPretty ? 2 : 0);
}

/** Fractions with 15 digits, as JSONata hides what doubles add: 0.1 + 0.2 is 0.3. */
function readable(value: unknown): unknown {
  if (typeof value === 'number' && !Number.isInteger(value)) return Number(value.toPrecision(15));
  return isFunction(value) ? '' : value;
}

/** A function of JSONata, of the expression itself, or of JavaScript. */
export function isFunction(value: unknown): boolean {
  if (typeof value === 'function') return true;
  if (typeof value !== 'object' || value === null) return false;
  return '_jsonata_function' in value || '_jsonata_lambda' in value;
}
