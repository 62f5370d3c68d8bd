import { BLANK_IN_URL, hasBlank } from '../core/address.ts';
import type { Message } from '../core/message.ts';
import { displayUrl } from '../core/secrets.ts';
import { type ConnectTemplate, compileConnectExpression, connectParts, withoutMessage } from './connect-template.ts';
import { type Encode, type Part, writtenParts } from './expression.ts';
import { together } from './template-value.ts';

/** A URL that is made for each connect. */
export interface ConnectUrl {
  /** With `***` for each expression; the same for all connects. */
  readonly text: string;
  /** Whether its host comes from an expression, with which it begins then. */
  readonly isNamed: boolean;
  readonly make: UrlTemplate;
}

/** The URL for one connect. Throws, or rejects with, an Error that says what is missing and quotes no value. */
interface UrlTemplate {
  (values: Message): string | Promise<string>;
  readonly expressions: ConnectTemplate['expressions'];
  readonly uses: ConnectTemplate['uses'];
}

export const PLACEHOLDER = '***';

const SCHEMES = {
  ws: { protocols: ['ws:', 'wss:'], mistake: 'expected a URL that begins with ws:// or wss:// and has no #' },
  http: { protocols: ['http:', 'https:'], mistake: 'expected a URL that begins with http:// or https:// and has no #' },
} as const;

type Scheme = keyof typeof SCHEMES;

/**
 * Compiles a URL with expressions in user, password, path or query. One for WebSockets may begin with an expression, which
 * gives all up to the path, or more. Throws an Error that does not quote it.
 */
export function compileConnectUrl(text: string, scheme: Scheme): ConnectUrl {
  const parts = connectParts(text);
  const [first, second] = parts;
  const isNamed = scheme === 'ws' && first !== undefined && 'value' in first;
  const rest = isNamed ? parts.slice(1) : parts;
  if (isNamed && second !== undefined && !('literal' in second && /^[/?]/.test(second.literal)))
    throw new Error(SCHEMES[scheme].mistake);
  const one = `${isNamed ? `${scheme}://host` : ''}${filled(rest, 'one')}`;
  if (hasBlank(one)) throw new Error(BLANK_IN_URL);
  if (!isUrl(one, scheme)) throw new Error(SCHEMES[scheme].mistake);
  if (!isNamed && new URL(one).host !== new URL(filled(rest, 'other')).host)
    throw new Error('host and port are always the same: no expression can be used there');
  const { address, query } = splitQuery(rest);
  if (address.some((part) => 'value' in part && part.value.reads.some(({ path }) => path[1] === 'cursor')))
    throw new Error('${! meta.cursor } can only be used in the query: before the first message there is no cursor');
  const whole = compileConnectExpression(text);
  const make = urlMaker({ base: isNamed ? first : undefined, address, query, scheme });
  return {
    text: filled(parts, PLACEHOLDER),
    isNamed,
    make: Object.assign(make, {
      expressions: text.includes('${!') ? [withoutMessage(whole)] : [],
      uses: whole.reads.map(({ path: [, ...path] }) => path),
    }),
  };
}

/** As it may be shown. */
export function shownUrl({ text }: ConnectUrl): string {
  return displayUrl(text);
}

/** The text with `value` in place of each expression. */
export function filled(parts: readonly Part[], value: string): string {
  return parts.map((part) => ('literal' in part ? part.literal : value)).join('');
}

interface Pieces {
  /** What gives the host. */
  readonly base: Part | undefined;
  readonly address: readonly Part[];
  /** The parameters. */
  readonly query: readonly (readonly Part[])[];
}

/** Divides at the first `?`, and what follows at each `&`; those within expressions do not count. */
function splitQuery(parts: readonly Part[]): Omit<Pieces, 'base'> {
  const pieces: Part[][] = [[]];
  for (const part of parts) {
    if ('value' in part) {
      pieces.at(-1)?.push(part);
      continue;
    }
    let { literal } = part;
    while (literal !== '') {
      const end = literal.indexOf(pieces.length === 1 ? '?' : '&');
      const piece = end < 0 ? literal : literal.slice(0, end);
      if (piece !== '') pieces.at(-1)?.push({ literal: piece });
      if (end < 0) break;
      pieces.push([]);
      literal = literal.slice(end + 1);
    }
  }
  const [address = [], ...query] = pieces;
  return { address, query };
}

interface UrlText extends Pieces {
  readonly scheme: Scheme;
}

/** A parameter whose value is missing is left out; without parameters there is no query. */
function urlMaker({ base, address, query, scheme }: UrlText): (values: Message) => string | Promise<string> {
  const needed = base === undefined ? address : [base, ...address];
  return (values) => {
    const made = [
      base === undefined ? '' : writtenParts([base], values, (text) => text),
      writtenParts(address, values, inPath),
      ...query.map((parameter) => writtenParts(parameter, values, percentEncoded)),
    ];
    return together(made, (texts) => {
      const [start, path, ...parameters] = texts as (string | undefined)[];
      if (start === undefined || path === undefined)
        throw new Error(`the url needs ${readsOf(needed)}, which has no value`);
      const given = parameters.filter((parameter) => parameter !== undefined);
      const separator = start.includes('?') ? '&' : '?';
      const url = `${start}${path}${given.length === 0 ? '' : `${separator}${given.join('&')}`}`;
      if (!isUrl(url, scheme)) throw new Error('the url is not valid with the values of this connect');
      return url;
    });
  };
}

/** RFC 3986 2.1: values are percent-encoded, so that they cannot change the rest of the URL. */
const percentEncoded: Encode = (text) => encodeURIComponent(Buffer.from(text).toString());

/** What would lead to another path has no place there. */
const inPath: Encode = (text) => (/^\.{0,2}$/.test(text) ? undefined : percentEncoded(text));

function readsOf(parts: readonly Part[]): string {
  const paths = parts.flatMap((part) => ('value' in part ? part.value.reads.map(({ path }) => path.join('.')) : []));
  return [...new Set(paths)].map((path) => `\${! ${path} }`).join(' and ');
}

function isUrl(text: string, scheme: Scheme): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hash, hostname } = new URL(text);
  return (SCHEMES[scheme].protocols as readonly string[]).includes(protocol) && hash === '' && hostname !== '';
}
