import { validateHeaderName, validateHeaderValue } from 'node:http';
import { type ConnectTemplate, compileConnectTemplate, connectParts } from './connect-template.ts';
import { filled, PLACEHOLDER } from './connect-url.ts';

/*
 * Headers and subprotocols of a connection that the gateway dials, evaluated at each connect. Errors never quote these
 * settings: they may be secret.
 */

/** The value of a header, or a subprotocol. */
export interface HandshakeText {
  /** The text with `***` for each expression. */
  readonly text: string;
  /** undefined if one of its values is missing. */
  readonly make: ConnectTemplate;
}

/** RFC 6455 4.1: a token of HTTP. */
const SUBPROTOCOL = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Headers of the handshake itself. */
const OWN_HEADER = /^(connection|upgrade|sec-websocket-.*)$/i;
export const NO_SUBPROTOCOL = 'a subprotocol is one word, such as graphql-ws';

/** Compiles the value of a header. Throws an Error. */
export function compileHeader(name: string, text: string): HandshakeText {
  if (OWN_HEADER.test(name)) throw new Error('belongs to the handshake itself; for subprotocols there is `protocols`');
  if (!isHeaderName(name)) throw new Error('is not a valid header name');
  const compiled = compileText(text);
  if (!isHeaderValue(name, compiled.text)) throw new Error('has a character that HTTP does not allow in a header');
  return compiled;
}

/** Compiles the name of a subprotocol. Throws an Error. */
export function compileSubprotocol(text: string): HandshakeText {
  const compiled = compileText(text);
  if (!isSubprotocol(compiled.text)) throw new Error(NO_SUBPROTOCOL);
  return compiled;
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
  return { text: filled(connectParts(text), PLACEHOLDER), make: compileConnectTemplate(text) };
}
