import type { HeaderValue } from '../../core/headers.ts';
import { writeJson } from '../../sdk/index.ts';
import { floatText, isNumber, NUMBER, scalarText } from './java-values.ts';

/** A value as a header, as SimpleHeaderConverter writes it: text as it is, and everything else as it would be in JSON. */
export function headerOf(value: unknown): HeaderValue {
  if (value === null) return null;
  if (Buffer.isBuffer(value)) return value.toString('base64');
  if (typeof value === 'string' || typeof value === 'boolean' || isNumber(value)) return scalarText(value);
  return writeJson(value) ?? null;
}

/** Up to there, Connect reads a number without a fraction, such as 1e3, as a whole one. */
const MAX_LONG = 2n ** 63n - 1n;

/**
 * A literal of the settings as a header. Connect reads it as a number, true, false or null where it is one, and writes
 * that: 007 is written as 7, 2.50 as 2.5.
 */
export function literalHeader(literal: string): HeaderValue {
  const text = literal.trim();
  if (text === 'null') return null;
  if (text === 'true' || text === 'false') return text;
  return NUMBER.test(text) && !text.startsWith('.') ? numberText(text) : literal;
}

function numberText(text: string): string {
  if (/^[+-]?\d+$/.test(text)) {
    const whole = BigInt(text.replace('+', ''));
    return String(whole);
  }
  const value = Number(text);
  if (Number.isInteger(value) && Math.abs(value) >= 1 && BigInt(Math.abs(value)) <= MAX_LONG)
    return String(BigInt(value));
  if (value === 0) return '0';
  const float = floatText(value);
  return /\d/.test(float) ? float : text;
}
