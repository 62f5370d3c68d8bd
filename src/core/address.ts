import { isIP } from 'node:net';
import { quoteValue } from './quote.ts';

const HOST_NAME = /^(?!-)[A-Za-z0-9._-]{1,253}$/;

/** What is wrong with text that is to be a host name or an IP address alone, and what to write; undefined for nothing. */
export function hostMistake(text: string): string | undefined {
  if (isIP(text) !== 0) return undefined;
  const [, scheme = '', rest = ''] = /^([A-Za-z][\w+.-]*:\/\/)?(.*)$/s.exec(text) ?? [];
  const [, bracketed, name] = /^(?:\[([^\]]*)\]|([^:/]*))(?::\d*)?\/*$/.exec(rest) ?? [];
  const host = bracketed ?? name ?? '';
  const isHost = bracketed === undefined ? HOST_NAME.test(host) : isIP(bracketed) === 6;
  if (isHost && host === text) return undefined;
  if (text === '*') return 'is not an address; write 0.0.0.0 for all of them, or leave it out';
  if (!isHost) return `${shown(text)} is not a host name or an IP address`;
  const what = scheme !== '' ? 'a scheme' : bracketed === undefined ? 'more than a host name' : 'brackets';
  return `${shown(text)} has ${what} in it; write ${host}`;
}

/** The same for text that may be `*` for any host, or `*.` and a name for all below it. */
export function hostPatternMistake(text: string): string | undefined {
  return text === '*' ? undefined : hostMistake(text.replace(/^\*\.(?!$)/, ''));
}

/** `example`: a URL as it should be. */
export interface UrlRule {
  readonly schemes: readonly string[];
  readonly example: string;
}

/** What is wrong with text that is to be a URL with a host, and what to write; undefined for nothing. */
export function urlMistake(text: string, { schemes, example }: UrlRule): string | undefined {
  const [first = ''] = schemes;
  const wanted = schemes.map((scheme) => `${scheme}://`).join(' or ');
  const scheme = /^([A-Za-z][\w+.-]*):\/\//.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) {
    const meant = `${first}://${text.replace(/^\/*/, '')}`;
    const write = URL.canParse(meant) && !/[@\s]/.test(text) ? meant : example;
    return `${shown(text)} does not begin with ${wanted}; write ${write}`;
  }
  if (!schemes.includes(scheme))
    return `${shown(text)} begins with ${scheme}://, which is not spoken here; write a URL such as ${example}`;
  if (hasBlank(text)) return `${shown(text)} ${BLANK_IN_URL}`;
  if (URL.canParse(text)) return undefined;
  const port = Number(/^[^/]*\/\/[^/?#]*:(\d+)(?:[/?#]|$)/.exec(text)?.[1] ?? 0);
  if (port > MAX_PORT) return `${shown(text)}: the port is a number from 1 to ${MAX_PORT}`;
  return `${shown(text)} is not a URL; write one such as ${example}`;
}

/** URLs are parsed without these, or with other characters in their place, so that what is dialled is not what was written. */
export function hasBlank(url: string): boolean {
  return /[\s\p{Cc}]/u.test(url);
}

/** What is wrong with such a URL; it does not quote it. */
export const BLANK_IN_URL =
  'has a space, line break or other control character in it; remove it, or write it percent-encoded, such as %20';

export const MAX_PORT = 65_535;

/** A user name and password in front of an @ are for no message. */
function shown(text: string): string {
  return text.includes('@') ? 'this' : JSON.stringify(quoteValue(text));
}
