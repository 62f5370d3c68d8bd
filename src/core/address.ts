import { isIP } from 'node:net';

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
  if (URL.canParse(text)) return undefined;
  const port = Number(/^[^/]*\/\/[^/?#]*:(\d+)(?:[/?#]|$)/.exec(text)?.[1] ?? 0);
  if (port > MAX_PORT) return `${shown(text)}: the port is a number from 1 to ${MAX_PORT}`;
  return `${shown(text)} is not a URL; write one such as ${example}`;
}

export const MAX_PORT = 65_535;

/** A user name and password in front of an @ are for no message. */
function shown(text: string): string {
  return text.includes('@') ? 'this' : `"${text}"`;
}
