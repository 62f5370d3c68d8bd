import { TidegateError } from '../core/errors.ts';
import type { Expression } from './expression.ts';

/**
 * What an expression gave as milliseconds since the epoch: a number of them, also as text, or text as in ISO 8601. Throws
 * TG_EXPRESSION_FAILED for everything else.
 */
export function pointInTime(value: unknown, { text }: Pick<Expression, 'text'>): number {
  const time = typeof value === 'string' && !/^\d+$/.test(value) ? Date.parse(value) : Number(value ?? Number.NaN);
  if (Number.isSafeInteger(time) && time >= 0) return time;
  throw new TidegateError('TG_EXPRESSION_FAILED', `${text} gives no point in time`);
}
