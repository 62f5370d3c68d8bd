import { randomBytes } from 'node:crypto';
import { TidegateError } from './errors.ts';
import type { JsonPath } from './json-path.ts';

/**
 * A number of JSON as the digits that came. A double has 53 bits: 8389766145050669871 would become ...0000, and 1.10
 * would become 1.1. As text (`String(x)`, a template) it is those digits; as a number (`x + 1`) it is a double where
 * one has the same value, else TG_EXPRESSION_FAILED is thrown, as a wrong result is worse than none.
 */
export class ExactNumber {
  readonly digits: string;

  constructor(digits: string) {
    this.digits = digits;
  }

  toString(): string {
    return this.digits;
  }

  valueOf(): number {
    if (isExact(this.digits)) return Number(this.digits);
    throw this.refusal();
  }

  /** Why it is not computed with. */
  refusal(): TidegateError {
    return new TidegateError(
      'TG_EXPRESSION_FAILED',
      `the number ${shown(this.digits)} is not computed with, as a double cannot hold it; pass it on by a path alone, or compare it as text by $string()`,
    );
  }

  /** What is not written by `writeJson` cannot keep the digits. */
  toJSON(): number {
    return this.valueOf();
  }
}

/** A JSON number for computing: a double where it has the same value. */
export function numberOf(digits: string): number | ExactNumber {
  return isExact(digits) ? Number(digits) : new ExactNumber(digits);
}

/**
 * The value of a JSON text that is passed on: its numbers are doubles only where they would be written as they came.
 * Throws SyntaxError, and RangeError for what is nested thousands of levels deep. `parsed` is what JSON.parse gives, where
 * that is known.
 */
export function parseAsWritten(json: string, parsed: unknown = JSON.parse(json)): unknown {
  if (typeof parsed === 'number') return String(parsed) === json.trim() ? parsed : new ExactNumber(json.trim());
  return typeof parsed === 'object' ? parseMarked(json, (digits) => String(Number(digits)) !== digits) : parsed;
}

/**
 * The value of a JSON text for computing: numbers that a double cannot hold are ExactNumbers. Throws as
 * `parseAsWritten` does, and `parsed` is the same.
 */
export function parseExact(json: string, parsed: unknown = JSON.parse(json)): unknown {
  return MAY_ROUND.test(json) ? parseMarked(json, (digits) => !isExact(digits)) : parsed;
}

/** What JSON.parse made of the value at a path of that JSON, with the digits that it has there. */
export function asWritten(value: unknown, path: JsonPath, json: Buffer): unknown {
  if (typeof value !== 'number' && (typeof value !== 'object' || value === null)) return value;
  const text = path.textIn(json);
  return text === undefined || text === String(value) ? value : parseAsWritten(text);
}

/**
 * JSON of a value that may hold ExactNumbers; undefined where JSON.stringify gives that. Throws TG_EXPRESSION_FAILED for
 * Infinity and NaN, which JSON.stringify makes null, and for what is nested thousands of levels deep.
 */
export function writeJson(value: unknown): string | undefined {
  try {
    return writeValue(value);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new TidegateError('TG_EXPRESSION_FAILED', `a value cannot be written as JSON: ${error.message}`, error);
  }
}

function writeValue(value: unknown): string | undefined {
  if (value instanceof ExactNumber) return value.digits;
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new TidegateError('TG_EXPRESSION_FAILED', `${value} cannot be written as JSON`);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return needsCare(value) ? write(value) : JSON.stringify(value);
}

/** At least 16 digits in a row, or an exponent of three: all others fit into a double (IEEE 754: 15 digits, 10^308). */
const MAY_ROUND = /[\d.]{16}|[eE][+-]?\d{3}/;

const WHOLE = /^-?\d+$/;
const NUMBER_TEXT = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** Characters without an exponent for which nothing has to be compared: 15 digits and a point, or a sign. */
const SURELY_EXACT = 15;

function isExact(digits: string): boolean {
  if (digits.length <= SURELY_EXACT && !/[eE]/.test(digits)) return true;
  const value = Number(digits);
  // From 2^53 on doubles skip whole numbers: to add 1 to one that has a double would change nothing.
  if (WHOLE.test(digits)) return Number.isSafeInteger(value);
  return Number.isFinite(value) && normalised(digits) === normalised(String(value));
}

/** The same text for the same value: significant digits and the power of ten of the last of them. */
function normalised(digits: string): string {
  const [, whole = '', fraction = '', exponent = '0'] = NUMBER_TEXT.exec(digits) ?? [];
  const all = `${whole}${fraction}`.replace(/^0+/, '');
  const significant = withoutTrailingZeros(all);
  if (significant === '') return '0';
  return `${significant}e${Number(exponent) - fraction.length + (all.length - significant.length)}`;
}

/** By hand: a regular expression for it takes time by the square of the zeros that are followed by another digit. */
function withoutTrailingZeros(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === '0') end -= 1;
  return digits.slice(0, end);
}

/** Strings are matched whole, so that digits within them are not taken for numbers. */
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** In front of digits that were put in quotes. It is known here alone, so no text that came begins with it. */
const MARK = `\uFDD1${randomBytes(16).toString('hex')}:`;

/**
 * Node 20 gives a reviver no source text (that came with Node 21), so numbers go through the parser in quotes.
 * `mustKeep`: whether those digits are to be kept.
 */
function parseMarked(json: string, mustKeep: (digits: string) => boolean): unknown {
  const marked = json.replace(TOKENS, (token) => (token[0] === '"' || !mustKeep(token) ? token : `"${MARK}${token}"`));
  if (marked.length === json.length) return JSON.parse(json);
  // One object for equal digits: JSONata's `in` compares objects by identity.
  const kept = new Map<string, ExactNumber>();
  return JSON.parse(marked, (_, value: unknown) => {
    if (typeof value !== 'string' || !value.startsWith(MARK)) return value;
    const digits = value.slice(MARK.length);
    const known = kept.get(digits) ?? new ExactNumber(digits);
    kept.set(digits, known);
    return known;
  });
}

/** Whether JSON.stringify would write something else. */
function needsCare(value: object): boolean {
  for (const inner of Object.values(value) as unknown[]) {
    if (typeof inner === 'number' && !Number.isFinite(inner)) return true;
    if (typeof inner === 'object' && inner !== null && (inner instanceof ExactNumber || needsCare(inner))) return true;
  }
  return false;
}

function write(value: unknown): string | undefined {
  if (value instanceof ExactNumber || typeof value !== 'object' || value === null) return writeValue(value);
  if (Array.isArray(value)) return `[${value.map((item) => write(item) ?? 'null').join(',')}]`;
  const fields = Object.entries(value).flatMap(([name, inner]) => {
    const text = write(inner);
    return text === undefined ? [] : [`${JSON.stringify(name)}:${text}`];
  });
  return `{${fields.join(',')}}`;
}

function shown(digits: string): string {
  return digits.length > 40 ? `${digits.slice(0, 40)}...` : digits;
}
