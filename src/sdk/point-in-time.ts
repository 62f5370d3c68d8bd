import { TidegateError } from '../core/errors.ts';
import { ExactNumber } from '../core/exact-number.ts';
import type { Expression } from './expression.ts';

/** A date of ISO 8601, with or without a time of day and a zone; RFC 3339 allows a space for the T. */
const ISO = /^(\d{4}-\d\d(?:-\d\d)?)(?:[Tt ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(?:[Zz]|([+-]\d\d):?(\d\d))?)?$/;

/**
 * What an expression gave as milliseconds since the epoch: a number of them, also as text, or text as in ISO 8601, which
 * is UTC where it names no zone. Throws TG_EXPRESSION_FAILED for everything else.
 */
export function pointInTime(value: unknown, { text }: Pick<Expression, 'text'>): number {
  const time = timeIn(value);
  if (time !== undefined && Number.isSafeInteger(time) && time >= 0) return time;
  throw new TidegateError('TG_EXPRESSION_FAILED', `${text} gives no point in time`);
}

function timeIn(value: unknown): number | undefined {
  if (typeof value === 'string') return /^\d+$/.test(value) ? Number(value) : isoTime(value);
  return typeof value === 'number' || value instanceof ExactNumber ? Number(value) : undefined;
}

/** `Date.parse` alone reads "order 7" as a day in July, and a text without a zone by that of the machine. */
function isoTime(text: string): number | undefined {
  const [, day, time = '00:00', hours = '+00', minutes = '00'] = ISO.exec(text) ?? [];
  if (day === undefined) return undefined;
  const date = day.length === 'yyyy-mm'.length ? `${day}-01` : day;
  return Date.parse(`${date}T${time}${hours}:${minutes}`);
}
