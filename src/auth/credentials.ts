import type { Credentials } from '../core/identity.ts';
import { ownEntry } from '../core/own-entry.ts';
import type { TokenPlace } from './settings.ts';

/** What a client shows: at most one token or password. */
export type Shown =
  | { readonly kind: 'none' | 'several' | 'malformed' }
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'password'; readonly user: string; readonly password: string };

export interface WhereToLook {
  readonly places: readonly TokenPlace[];
  /** Whether a user and password in the header Authorization count. */
  readonly passwords: boolean;
}

/** A subprotocol that is no protocol: `Sec-WebSocket-Protocol: tidegate.v1, bearer.<token>`, for browsers, which set no headers. */
const PROTOCOL = 'bearer.';
/** RFC 6750 2.1: b64token. */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;
/** RFC 7617 2 */
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

const TWICE: Shown[] = [{ kind: 'several' }, { kind: 'several' }];

/** A client that shows two of them may mean either, and one may come from an attacker (RFC 6750 2). */
export function findShown(credentials: Credentials, where: WhereToLook): Shown {
  const shown = [...inHeader(credentials, where), ...tokensAt(credentials, where.places).map(shownToken)];
  const [first = { kind: 'none' }] = shown;
  return shown.length > 1 ? { kind: 'several' } : first;
}

export function isTokenProtocol(subprotocol: string): boolean {
  return subprotocol.startsWith(PROTOCOL);
}

/** Whether it can be sent in the header Authorization. */
export function isBearerToken(text: string): boolean {
  return TOKEN.test(text);
}

export function shownToken(token: string): Shown {
  return isBearerToken(token) ? { kind: 'token', token } : { kind: 'malformed' };
}

/** Other schemes are for others, such as a proxy. */
function inHeader({ headers, repeated }: Credentials, { places, passwords }: WhereToLook): Shown[] {
  if (repeated?.authorization && (places.includes('header') || passwords)) return TWICE;
  const [, scheme = '', value = ''] = /^(\S+) *(.*)$/s.exec(headers.authorization ?? '') ?? [];
  const name = scheme.toLowerCase();
  if (name === 'bearer' && places.includes('header')) return [shownToken(value)];
  return name === 'basic' && passwords ? [shownPassword(value)] : [];
}

function shownPassword(value: string): Shown {
  const text = BASE64.test(value) ? Buffer.from(value, 'base64').toString() : '';
  const end = text.indexOf(':');
  if (end < 0) return { kind: 'malformed' };
  return { kind: 'password', user: text.slice(0, end), password: text.slice(end + 1) };
}

function tokensAt({ headers, query, repeated }: Credentials, places: readonly TokenPlace[]): string[] {
  return places.flatMap((place) => {
    if (place === 'header') return [];
    if (place === 'protocol') return inProtocols(headers['sec-websocket-protocol'] ?? '');
    if ('cookie' in place) return inCookies(headers.cookie ?? '', place.cookie);
    const token = ownEntry(query, place.query);
    if (token === undefined) return [];
    return repeated?.parameters.includes(place.query) ? [token, token] : [token];
  });
}

function inProtocols(header: string): string[] {
  const offered = header.split(',').map((part) => part.trim());
  return offered.filter(isTokenProtocol).map((part) => part.slice(PROTOCOL.length));
}

/** RFC 6265 4.2.1; each one of the name, as a page of another subdomain can add a second one. */
function inCookies(header: string, name: string): string[] {
  return header.split(';').flatMap((pair) => {
    const end = pair.indexOf('=');
    if (end < 0 || pair.slice(0, end).trim() !== name) return [];
    return [
      pair
        .slice(end + 1)
        .trim()
        .replace(/^"(.*)"$/s, '$1'),
    ];
  });
}
