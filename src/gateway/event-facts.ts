import type { IncomingHttpHeaders } from 'node:http';
import { tokenParametersOf } from '../auth/automatic-credentials.ts';
import { isTokenProtocol } from '../auth/credentials.ts';
import type { AuthSettings } from '../auth/settings.ts';
import type { RequestFacts } from '../telemetry/events.ts';

/*
 * What a program hears of clients: programs log it, so what an entry of `auth` takes for credentials is left out. Where an endpoint
 * has no `auth` everything is as it was sent, since the program may check it by itself.
 */

/** Parameters of a handshake. */
export function queryFacts(
  query: Readonly<Record<string, string>>,
  auth: AuthSettings | undefined,
): Readonly<Record<string, string>> {
  const names = auth === undefined ? [] : tokenParametersOf(auth);
  return Object.fromEntries(Object.entries(query).filter(([name]) => !names.includes(name)));
}

export function requestFacts(request: RequestFacts, auth: AuthSettings | undefined): RequestFacts {
  if (auth === undefined) return request;
  return { ...request, url: openUrl(request.url, auth), headers: openHeaders(request.headers, auth) };
}

function openUrl(url: string, auth: AuthSettings): string {
  const names = tokenParametersOf(auth);
  const [path = '', ...rest] = url.split('?');
  const pairs = rest.join('?').split('&');
  const open = pairs.filter((pair) => ![...new URLSearchParams(pair).keys()].some((name) => names.includes(name)));
  return open.join('&') === '' ? path : `${path}?${open.join('&')}`;
}

function openHeaders(all: IncomingHttpHeaders, { token }: AuthSettings): IncomingHttpHeaders {
  const { authorization: _, cookie, 'sec-websocket-protocol': offered, ...headers } = all;
  const cookies = token.flatMap((place) => (typeof place === 'object' && 'cookie' in place ? [place.cookie] : []));
  const open = {
    cookie: without(cookie, ';', (pair) => cookies.includes(pair.split('=', 1)[0]?.trim() ?? '')),
    'sec-websocket-protocol': without(offered, ',', isTokenProtocol),
  };
  return { ...headers, ...Object.fromEntries(Object.entries(open).filter(([, text]) => text !== undefined)) };
}

/** A list without some of its entries; undefined where none is left. */
function without(
  list: string | undefined,
  separator: string,
  isHidden: (entry: string) => boolean,
): string | undefined {
  const entries = list?.split(separator).map((entry) => entry.trim());
  const open = entries?.filter((entry) => !isHidden(entry)) ?? [];
  return open.length === 0 ? undefined : open.join(`${separator} `);
}
