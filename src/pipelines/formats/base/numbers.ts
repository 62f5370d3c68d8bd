import { ExactNumber } from '../../../sdk/index.ts';

/*
 * Numbers between JSON and binary formats. An integer is never rounded: one that a type does not hold has no value there.
 * A fraction is rounded to the nearest float or double, as every reader of JSON does it.
 */

const WHOLE = /^-?\d+$/;

/** JSON of a double. What JSON has no number for is a text, as in the JSON of Protobuf. */
export function doubleText(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`;
  if (Object.is(value, -0)) return '-0';
  // String would round to 17 digits and fill up with zeros.
  return Number.isInteger(value) && Math.abs(value) < 1e21 ? String(BigInt(value)) : String(value);
}

/** The same of a float: the shortest digits that give the same float again. */
export function floatText(value: number): string {
  if (!Number.isFinite(value) || value === 0) return doubleText(value);
  for (let digits = 6; digits <= 9; digits += 1) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return doubleText(short);
  }
  return doubleText(value);
}

/** The whole number that a JSON value is; undefined where it is none. */
export function wholeNumber(value: unknown): bigint | undefined {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : undefined;
  return value instanceof ExactNumber && WHOLE.test(value.digits) ? BigInt(value.digits) : undefined;
}

/** The same for a whole number in a range, also where it is a text of digits and `isTextAllowed`. */
export function wholeWithin(value: unknown, min: bigint, max: bigint, isTextAllowed = false): bigint | undefined {
  const isText = isTextAllowed && typeof value === 'string' && value.length <= 20 && WHOLE.test(value);
  const whole = isText ? BigInt(value) : wholeNumber(value);
  return whole !== undefined && whole >= min && whole <= max ? whole : undefined;
}

const NAMED: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
};

/** The double for a JSON value; undefined where it is not a number, or an integer that a double does not hold. */
export function asDouble(value: unknown): number | undefined {
  return held(value, (double) => double, doubleText);
}

/** The same for a float, which may be infinite only where the value is. */
export function asFloat(value: unknown): number | undefined {
  return held(value, Math.fround, floatText);
}

function held(value: unknown, round: (double: number) => number, write: (double: number) => string) {
  if (typeof value === 'string') return Object.hasOwn(NAMED, value) ? NAMED[value] : undefined;
  const isExact = value instanceof ExactNumber;
  if (!isExact && typeof value !== 'number') return undefined;
  const rounded = round(isExact ? Number(value.digits) : value);
  if (!Number.isFinite(rounded)) return undefined;
  // What String makes of a double is not its value from 2^53 on, so it is compared with what is written for it.
  if (isExact && WHOLE.test(value.digits)) return write(rounded) === String(BigInt(value.digits)) ? rounded : undefined;
  if (Number.isSafeInteger(value) && value !== 0) return write(rounded) === String(value) ? rounded : undefined;
  return rounded;
}

/** The text of a number as JSON has it; undefined where it is none. */
export function digitsOf(value: unknown): string | undefined {
  if (value instanceof ExactNumber) return value.digits;
  return typeof value === 'number' ? String(value) : undefined;
}
