import type { AuthSettings } from './settings.ts';

/**
 * Whether a browser shows who its user is by itself, to whatever page opens a socket: by a cookie, a password that it keeps,
 * or a certificate. A page of another site could then act as that user (cross-site WebSocket hijacking).
 */
export function isAutomatic({ basic, certificate, token }: AuthSettings): boolean {
  if (basic !== undefined || certificate !== undefined) return true;
  return token.some((place) => typeof place === 'object' && 'cookie' in place);
}

/** Names of the parameters of a URL in which a client may put its token. */
export function tokenParametersOf({ token }: AuthSettings): readonly string[] {
  return token.flatMap((place) => (typeof place === 'object' && 'query' in place ? [place.query] : []));
}
