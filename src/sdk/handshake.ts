import { validateHeaderName, validateHeaderValue } from 'node:http';
import { BLANK_IN_URL, hasBlank } from '../core/address.ts';
import { Message } from '../core/message.ts';
import { withoutMarks } from './literal.ts';
import { compileTemplate, type Template } from './template.ts';

/*
 * URL, headers and subprotocols of a connection that the gateway dials, evaluated at each connect. They can use
 * `${! meta.token }` and `${! meta.cursor }`. Errors never quote these settings: they may be secret.
 */

/** The value of a header, or a subprotocol. */
export interface HandshakeText {
  /** The text with `***` for each expression. */
  readonly text: string;
  /** undefined if one of its values is missing. */
  readonly make: ConnectTemplate;
}

/** A template that is evaluated before any message is received. */
export interface ConnectTemplate extends Template {
  /** The fields of `meta` that it uses: `token`, `cursor`. */
  readonly uses: ReadonlySet<string>;
}

export interface RemoteUrl {
  /** With `***` for each expression; the same for all connects. */
  readonly text: string;
  readonly make: UrlTemplate;
}

/** The URL for one connect. Throws an Error that says what is missing. */
interface UrlTemplate {
  (values: Message): string;
  readonly expressions: Template['expressions'];
  readonly uses: ConnectTemplate['uses'];
}

/** An expression, with its path. Only paths are allowed, so none of them has a brace inside. */
const EXPRESSION = /\$\{!([^}]*)\}/g;
const PATHS = ['meta.token', 'meta.cursor'] as const;
/** RFC 6455 4.1: a token of HTTP. */
const SUBPROTOCOL = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Headers of the handshake itself. */
const OWN_HEADER = /^(connection|upgrade|sec-websocket-.*)$/i;
const PLACEHOLDER = '***';
export const NO_SUBPROTOCOL = 'a subprotocol is one word, such as graphql-ws';

const token = compileTemplate('${! meta.token }');
const cursor = compileTemplate('${! meta.cursor }');

/** The paths of the expressions in a text. Throws an Error if one is not closed. */
function pathsIn(text: string): string[] {
  if (text.replaceAll(EXPRESSION, '').includes('${!')) throw new Error('an expression ${! has no } that closes it');
  return [...text.matchAll(EXPRESSION)].map(([, path = '']) => path.trim());
}

/** Compiles a `ws://` or `wss://` URL with expressions in user, password, path or query. Throws an Error. */
export function compileUrl(text: string): RemoteUrl {
  checkPaths(text);
  const one = filled(text, 'one');
  if (hasBlank(one)) throw new Error(BLANK_IN_URL);
  if (!isRemoteUrl(one)) throw new Error('expected a URL that begins with ws:// or wss:// and has no #');
  if (new URL(one).host !== new URL(filled(text, 'other')).host)
    throw new Error('host and port are always the same: no expression can be used there');
  const [address = '', ...query] = text.split('?');
  if (pathsIn(address).includes('meta.cursor'))
    throw new Error('${! meta.cursor } can only be used in the query: before the first message there is no cursor');
  const make = urlMaker(address, query.length === 0 ? [] : query.join('?').split('&'));
  const { expressions, uses } = withoutMessage(compileTemplate(text));
  return { text: filled(text, PLACEHOLDER), make: Object.assign(make, { expressions, uses }) };
}

/** Compiles the value of a header. Throws an Error. */
export function compileHeader(name: string, text: string): HandshakeText {
  if (OWN_HEADER.test(name)) throw new Error('belongs to the handshake itself; for subprotocols there is `protocols`');
  if (!isHeaderName(name)) throw new Error('is not a valid header name');
  const compiled = compileText(text);
  if (!isHeaderValue(name, filled(text, 'value')))
    throw new Error('has a character that HTTP does not allow in a header');
  return compiled;
}

/** Compiles the name of a subprotocol. Throws an Error. */
export function compileSubprotocol(text: string): HandshakeText {
  const compiled = compileText(text);
  if (!isSubprotocol(filled(text, 'value'))) throw new Error(NO_SUBPROTOCOL);
  return compiled;
}

/** Marks a template as one that reads no message, so that lint does not check what it reads. */
export function withoutMessage(make: Template): ConnectTemplate {
  const reads = make.expressions.flatMap((expression) => expression.reads);
  const uses = new Set(
    reads.flatMap(({ path: [root, name] }) => (root === 'meta' && name !== undefined ? [name] : [])),
  );
  const expressions = make.expressions
    .filter(({ reads }) => reads.length > 0)
    .map((expression) => ({ ...expression, reads: [], doubts: [] }));
  return Object.assign((message: Message) => make(message), { expressions, needsAll: false, uses });
}

/** The message on which the expressions of a handshake are evaluated. */
export function handshakeValues(values: { readonly token: string | undefined; readonly cursor: unknown }): Message {
  return new Message(Buffer.alloc(0), { meta: values });
}

/** Whether a setting has no expression, given its shown text. */
export function isConstant(text: string): boolean {
  return !text.includes(PLACEHOLDER);
}

/** The characters that HTTP allows in a header. */
const SENDABLE = /^[\t\x20-\x7e\x80-\xff]+$/;

/** Whether a token can be sent, without white space around it. */
export function isSendableToken(text: string): boolean {
  return SENDABLE.test(text.trim());
}

export function isHeaderName(name: string): boolean {
  try {
    validateHeaderName(name);
    return true;
  } catch {
    return false;
  }
}

export function isHeaderValue(name: string, text: string): boolean {
  try {
    validateHeaderValue(name, text);
    return true;
  } catch {
    return false;
  }
}

export function isSubprotocol(text: string): boolean {
  return SUBPROTOCOL.test(text);
}

function compileText(text: string): HandshakeText {
  checkPaths(text);
  return { text: filled(text, PLACEHOLDER), make: withoutMessage(compileTemplate(text)) };
}

/** A parameter whose value is missing is left out; without parameters there is no query. */
function urlMaker(addressText: string, parameterTexts: readonly string[]): (values: Message) => string {
  const address = compileTemplate(addressText);
  const parameters = parameterTexts.map((text) => compileTemplate(text));
  return (values) => {
    const encoded = percentEncoded(values);
    const base = address(encoded);
    if (base === undefined) throw new Error('the url needs ${! meta.token }, and there is no token; set auth');
    const query = parameters.map((make) => make(encoded)).filter((parameter) => parameter !== undefined);
    const url = query.length === 0 ? base : `${base}?${query.join('&')}`;
    if (!isRemoteUrl(url)) throw new Error('the url is not valid with the token and the cursor of this connect');
    return url;
  };
}

/** RFC 3986 2.1: values are percent-encoded, so that they cannot change the rest of the URL. */
function percentEncoded(values: Message): Message {
  const [tokenText, cursorText] = [token(values), cursor(values)];
  return handshakeValues({
    token: tokenText === undefined ? undefined : encodeURIComponent(tokenText),
    cursor: cursorText === undefined ? undefined : encodeURIComponent(wellFormed(cursorText)),
  });
}

/** Lone surrogates, which have no percent-encoding, become U+FFFD. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString();
}

function checkPaths(text: string): void {
  for (const path of pathsIn(text))
    if (!(PATHS as readonly string[]).includes(path))
      throw new Error(`\${! ${path} } has no value here; there are \${! meta.token } and \${! meta.cursor }`);
}

function isRemoteUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hash, hostname } = new URL(text);
  return (protocol === 'ws:' || protocol === 'wss:') && hash === '' && hostname !== '';
}

/** The text with `value` in place of each expression. */
function filled(text: string, value: string): string {
  return withoutMarks(text.replaceAll(EXPRESSION, () => value));
}
