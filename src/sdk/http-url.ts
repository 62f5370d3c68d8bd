import { BLANK_IN_URL, hasBlank } from '../core/address.ts';
import { TidegateError } from '../core/errors.ts';
import type { Message } from '../core/message.ts';
import { displayUrl, secretsOfUrl } from '../core/secrets.ts';
import { compileExpression, type Expression, filledWith } from './expression.ts';
import { after } from './value.ts';

/** A URL of http or https with `${! }` in its path and query, evaluated for each message. */
export interface HttpUrl extends Expression {
  /** For logs and errors: `***` for each expression, without user, password and query. */
  readonly shown: string;
  /** Values in its constant parts that must not be logged. */
  readonly secrets: readonly string[];
  /** undefined where an expression has no value or empty text. Throws, or rejects with, TG_EXPRESSION_FAILED. */
  make(message: Message): URL | undefined | Promise<URL | undefined>;
}

const PLACEHOLDER = '***';
/** Everything up to the path. */
const ORIGIN = /^https?:\/\/[^/?#]*/i;

/** Throws an Error that says what is wrong, and does not quote the URL, which may hold a secret. */
export function compileHttpUrl(text: string): HttpUrl {
  const expression = compileExpression(text, percentEncoded);
  const example = filledWith(text, 'x');
  if (ORIGIN.exec(text)?.[0].includes('${!') === true)
    throw new Error('host and port are always the same: an expression can only be in the path or the query');
  if (hasBlank(example)) throw new Error(BLANK_IN_URL);
  if (!URL.canParse(example) || !ORIGIN.test(text) || example.includes('#'))
    throw new Error('expected a URL that begins with http:// or https:// and has no #');
  const depth = depthOf(new URL(example));
  const checked = (made: string | undefined): URL | undefined => {
    if (made === undefined) return undefined;
    const url = new URL(made);
    // A value that is .. leads to another path, whatever it is encoded as.
    if (depthOf(url) === depth) return url;
    throw new TidegateError('TG_EXPRESSION_FAILED', `a value that is . or .. has no place in the path of ${shown}`);
  };
  const shown = displayUrl(filledWith(text, PLACEHOLDER));
  const make = (message: Message) => after(expression.evaluateText(message), checked);
  return { ...expression, shown, secrets: secretsOfUrl(filledWith(text, PLACEHOLDER)), make };
}

function depthOf({ pathname }: URL): number {
  return pathname.split('/').length;
}

/** RFC 3986 2.1. Empty text would make another URL of it: all users in place of one. Lone surrogates become U+FFFD. */
function percentEncoded(text: string): string | undefined {
  return text === '' ? undefined : encodeURIComponent(Buffer.from(text).toString());
}
