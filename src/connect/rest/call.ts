import { ExactNumber, parseAsWritten } from '../../core/exact-number.ts';
import { isTooDeep, MAX_LEVELS } from '../../core/nesting.ts';
import { quoteValue } from '../../core/quote.ts';
import { ConnectRefusal } from '../cluster/refusal.ts';
import type { FlatConfig } from '../settings/index.ts';

/** A request to the Connect API, read. */
export interface Call {
  readonly method: string;
  readonly path: string;
  /** Parts of the path that a route names. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** As it came. */
  readonly body: Buffer;
  /** Another gateway has sent it here: it is not sent on. */
  readonly isForwarded: boolean;
}

/** What a call is answered with. Without a body there is none in the answer either. */
export interface Answer {
  readonly status: number;
  readonly body?: object | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export type Handler = (call: Call) => Answer | Promise<Answer>;

export function answer(status: number, body?: object, headers?: Readonly<Record<string, string>>): Answer {
  return { status, body, headers };
}

/** The body as a JSON object, whose numbers keep the digits that came. Throws a refusal with 400. */
export function objectOf({ body }: Call): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = parseAsWritten(body.toString('utf8'));
  } catch {
    throw new ConnectRefusal(400, 'The request body is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ConnectRefusal(400, 'The request body must be a JSON object');
  if (isTooDeep(value)) throw new ConnectRefusal(400, `The request body is nested more than ${MAX_LEVELS} levels deep`);
  return value as Record<string, unknown>;
}

/** Settings of a connector: numbers and booleans are meant as text, as in Connect. Throws a refusal with 400. */
export function flatConfigOf(value: unknown): FlatConfig {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ConnectRefusal(400, 'The configuration of a connector must be a JSON object of texts');
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, each === null ? null : textOf(key, each)]),
  );
}

/** What is meant as text. Throws a refusal with 400 for lists and objects. */
export function textOf(field: string, value: unknown): string {
  if (typeof value === 'object' && value !== null && !(value instanceof ExactNumber))
    throw new ConnectRefusal(400, `The value of ${quoteValue(field)} must be text, a number, true, false or null`);
  return String(value);
}

export function refuseUnknown(value: object, known: readonly string[]): void {
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined)
    throw new ConnectRefusal(
      400,
      `Unrecognized field "${quoteValue(unknown)}" (known properties: ${known.join(', ')})`,
    );
}

/** Connect's own parsing: everything but `true` is false. */
export function flagOf({ query }: Call, name: string): boolean {
  return query.get(name)?.toLowerCase() === 'true';
}
