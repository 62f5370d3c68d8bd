import { TidegateError } from '../../core/errors.ts';
import { ExactNumber } from '../../core/exact-number.ts';
import { isJsonObject } from '../../sdk/index.ts';

/** A number of JSON. Connect reads it as a Long where it is written without point and exponent, else as a Double. */
/** A number as Java reads it, without white space. */
export const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

export type JsonNumber = number | ExactNumber;

export function isNumber(value: unknown): value is JsonNumber {
  return typeof value === 'number' || value instanceof ExactNumber;
}

export function isLong(value: unknown): value is JsonNumber {
  return isNumber(value) && /^-?\d+$/.test(String(value));
}

/** Jackson, by which Connect reads JSON, takes no longer ones; to compute with them takes time by the square of their length. */
const MAX_DIGITS = 1_000;

export function bigintOf(value: JsonNumber): bigint {
  const digits = String(value);
  if (digits.length <= MAX_DIGITS) return BigInt(digits);
  throw dataError(`a number of ${digits.length} digits is not computed with; the most are ${MAX_DIGITS}`);
}

/** The number with these digits, which keeps all of them. */
export function numberOf(digits: string): JsonNumber {
  const value = Number(digits);
  return String(value) === digits ? value : new ExactNumber(digits);
}

/** The class that Connect has such a value in, for messages. */
export function classOf(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Buffer.isBuffer(value)) return '[B';
  if (typeof value === 'string') return 'java.lang.String';
  if (typeof value === 'boolean') return 'java.lang.Boolean';
  if (isNumber(value)) return isLong(value) ? 'java.lang.Long' : 'java.lang.Double';
  return Array.isArray(value) ? 'java.util.ArrayList' : 'java.util.HashMap';
}

/** A failure of a record, by the words of Connect's DataException. */
export function dataError(message: string, cause?: unknown): TidegateError {
  return new TidegateError('TG_MESSAGE_INVALID', message, cause);
}

/** The value as an object with fields. `purpose`: what for, in Connect's words. */
export function requireMap(value: unknown, purpose: string): Readonly<Record<string, unknown>> {
  if (isMap(value)) return value;
  const found = `Only Map objects supported in absence of schema for [${purpose}], found: ${classOf(value)}`;
  throw dataError(
    typeof value === 'string' || Buffer.isBuffer(value)
      ? `${found}; the converter gives text or bytes: with the converter json, or in a sink JsonConverter, JSON is read`
      : found,
  );
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return !Buffer.isBuffer(value) && isJsonObject(value);
}

/** A field by itself, not one that every object has; null where there is none, as for a map of Java. */
export function fieldOf(map: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(map, name) ? (map[name] ?? null) : null;
}

/** java.lang.Double.toString, which is JSON where the number is finite: 1.0, 1.5E10, 1.0E-5. */
export function doubleText(value: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return String(value);
  if (size >= 1e-3 && size < 1e7) return Number.isInteger(value) ? `${value}.0` : String(value);
  const [digits = '', exponent = ''] = value.toExponential().split('e');
  return `${digits.includes('.') ? digits : `${digits}.0`}E${Number(exponent)}`;
}

/** java.lang.Float.toString: the fewest digits that name the float. */
export function floatText(value: number): string {
  const float = Math.fround(value);
  for (let digits = 1; digits < 9; digits += 1) {
    const shorter = Number(float.toPrecision(digits));
    if (Math.fround(shorter) === float) return doubleText(shorter);
  }
  return doubleText(Number(float.toPrecision(9)));
}

/** Text of a value that is neither a list nor an object, as Java writes it. */
export function scalarText(value: string | boolean | JsonNumber): string {
  return isNumber(value) && !isLong(value) ? doubleText(Number(String(value))) : String(value);
}
