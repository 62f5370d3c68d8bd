import type jsonata from 'jsonata';
import { ExactNumber, numberOf } from '../core/exact-number.ts';
import { coded, type Focus } from './jsonata-runtime.ts';
import { isFunction } from './value.ts';
import { sizeOf } from './value-size.ts';

/** A number as JSON and JSONata write it. */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const OTHER_BASE = /^0(?:[xX][\dA-Fa-f]+|[oO][0-7]+|[bB][01]+)$/;

/**
 * Replaces `$number` and `$string` of JSONata so that they keep numbers that a double cannot hold: `$number` makes an
 * ExactNumber, and `$string` gives its digits back. Everything else, including error codes, is as in JSONata
 * (https://docs.jsonata.org/numeric-functions, https://docs.jsonata.org/string-functions).
 */
export function registerExactFunctions(expression: jsonata.Expression): void {
  expression.registerFunction('number', toNumber, '<x-:x>');
  // The types of JSONata lack a part of `this`.
  expression.registerFunction('string', toText as unknown as typeof toNumber, '<x-b?:s>');
}

export function toNumber(value: unknown): unknown {
  if (value === undefined || typeof value === 'number' || value instanceof ExactNumber) return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string') throw coded('T0410', { index: 1, token: 'number', value });
  if (NUMBER.test(value)) return numberOf(value);
  const number = OTHER_BASE.test(value) ? Number(value) : Number.NaN;
  if (!Number.isFinite(number)) throw coded('D3030', { value, token: 'number' });
  if (!Number.isSafeInteger(number)) throw new ExactNumber(value).refusal();
  return number;
}

export function toText(this: Focus, value: unknown, isPretty = false): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  if (value instanceof ExactNumber) return value.digits;
  if (isFunction(value)) return '';
  if (typeof value === 'number' && !Number.isFinite(value)) throw coded('D3001', { value });
  const { outerWrapper } = (value ?? {}) as { readonly outerWrapper?: boolean };
  const whole = Array.isArray(value) && outerWrapper === true ? (value[0] as unknown) : value;
  if (typeof whole === 'object' && whole !== null) this.environment.base.budget.write(writtenLength(whole, isPretty));
  return JSON.stringify(whole, (_, inner: unknown) => readable(inner), isPretty ? 2 : 0);
}

/** An upper limit, except for characters that are escaped. */
function writtenLength(value: unknown, isPretty: boolean): number {
  const { values, characters, nesting } = sizeOf(value);
  return characters + values * (isPretty ? 4 + 2 * nesting : 4);
}

/** Fractions have 15 digits, as in JSONata: 0.1 + 0.2 is 0.3. */
function readable(value: unknown): unknown {
  if (typeof value === 'number' && !Number.isInteger(value)) return Number(value.toPrecision(15));
  return isFunction(value) ? '' : value;
}
