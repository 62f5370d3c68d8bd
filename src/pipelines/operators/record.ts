import { type Expression, type Message, pointInTime, TidegateError } from '../../sdk/index.ts';

/** A record may be so much ahead of its own timestamp: one in the year 9999 would make all others late. */
const MAX_AHEAD = 86_400_000;

/** The key that an operator groups a record by. Throws, or rejects with, TG_EXPRESSION_FAILED where there is none. */
export function keyOf(record: Message, by: Expression | undefined): string | Promise<string> {
  const key = by === undefined ? record.key?.toString() : by.evaluateText(record);
  return key instanceof Promise ? key.then((text) => required(text, by)) : required(key, by);
}

/**
 * The time of a record in milliseconds since the epoch, its own timestamp where there is no expression. Throws, or rejects
 * with, TG_EXPRESSION_FAILED.
 */
export function timeOf(record: Message, expression: Expression | undefined): number | Promise<number> {
  if (expression === undefined) return record.timestamp;
  const value = expression.evaluate(record);
  return value instanceof Promise
    ? value.then((ready) => checkedTime(ready, record, expression))
    : checkedTime(value, record, expression);
}

/**
 * JSON of what is kept of a record: what the expression gives, or its payload, as text where that is not JSON. Without a value
 * it is null.
 */
export function keptOf(record: Message, expression: Expression | undefined): string | Promise<string> {
  if (expression === undefined) return payloadOf(record);
  const json = expression.evaluateJson(record);
  return json instanceof Promise ? json.then((text) => text ?? 'null') : (json ?? 'null');
}

function payloadOf(record: Message): string {
  if (record.isTombstone) return 'null';
  const { text } = record;
  try {
    // Parsed once for all that ask; the text keeps every digit of its numbers.
    void record.plainJson;
    return text;
  } catch {
    return JSON.stringify(text);
  }
}

function required(key: string | undefined, by: Expression | undefined): string {
  if (key !== undefined) return key;
  const what = by === undefined ? 'the record has no key; group it with by: "${! ... }"' : `${by.text} gives no value`;
  throw new TidegateError('TG_EXPRESSION_FAILED', `records are grouped by key: ${what}`);
}

function checkedTime(value: unknown, record: Message, expression: Expression): number {
  const time = pointInTime(value, expression);
  if (time > record.timestamp + MAX_AHEAD)
    throw new TidegateError(
      'TG_EXPRESSION_FAILED',
      `${expression.text} gives ${new Date(time).toISOString()}, more than a day after the record was written`,
    );
  return time;
}
