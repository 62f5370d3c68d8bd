import { ExactNumber, writeJson } from '../core/exact-number.ts';
import type { Message } from '../core/message.ts';

/** A path of the message, such as `['meta', 'client_id']`. */
export interface Read {
  readonly path: readonly string[];
  /** Whether there is text around the expression, which then has no value where the path has none. */
  readonly isWithinText: boolean;
}

/** A possible mistake in an expression, and what to write instead. */
export interface Doubt {
  /** `note`: printed by lint only. */
  readonly severity: 'warning' | 'note';
  readonly message: string;
}

/** Text, or the JSON of an object or list, which has no text of its own. */
export type Text = string | { readonly json: string } | undefined;

/** One compiled `${! }`. */
export interface Value {
  readonly isSynchronous: boolean;
  /** Whether its JSON is what `writeJson` makes of its value; that of a path has the digits of the payload. */
  readonly isWritten: boolean;
  readonly reads: readonly Pick<Read, 'path'>[];
  readonly doubts: readonly Doubt[];
  evaluate(message: Message): unknown;
  text(message: Message): Text | Promise<Text>;
  json(message: Message): string | undefined | Promise<string | undefined>;
}

/** Applies `next` to a value, synchronously unless it is a promise. */
export function after<T, R>(value: T | Promise<T>, next: (value: T) => R): R | Promise<R> {
  if (!(value instanceof Promise)) return next(value);
  const result = value.then(next);
  // As in jsonata.ts: where another expression throws at once, nothing waits for this one.
  result.catch(() => {});
  return result;
}

/** undefined and null have no text, numbers and booleans are written out. */
export function textOf(value: unknown): Text {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value instanceof ExactNumber) return String(value);
  const json = writeJson(value);
  return json === undefined ? undefined : { json };
}

/** A function of JSONata, of the expression itself, or of JavaScript. */
export function isFunction(value: unknown): boolean {
  if (typeof value === 'function') return true;
  if (typeof value !== 'object' || value === null) return false;
  return '_jsonata_function' in value || '_jsonata_lambda' in value;
}
