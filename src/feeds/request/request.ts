import type { Message } from '../../core/message.ts';
import type { RemoteRequest } from '../../core/remote.ts';
import type { Field } from '../../core/trace-format.ts';
import type { RemoteSettings } from '../../sdk/connect-settings.ts';
import type { ConnectUrl } from '../../sdk/connect-url.ts';
import { type HandshakeText, isHeaderValue, isSubprotocol } from '../../sdk/handshake.ts';
import { together } from '../../sdk/template-value.ts';

/**
 * The request of one connect, at once unless an expression needs JSONata. A header or subprotocol whose value is missing is
 * left out. Throws, or rejects with, an Error if the request cannot be made; the error does not quote values that may be
 * secret.
 */
export function requestOf(
  url: ConnectUrl,
  { headers, protocols }: Pick<RemoteSettings, 'headers' | 'protocols'>,
  values: Message,
): RemoteRequest | Promise<RemoteRequest> {
  const made = [url.make(values), headersOf(headers, values), subprotocolsOf(protocols, values)];
  return together(made, ([address, fields, offered]) => ({
    url: address as string,
    headers: fields as Readonly<Record<string, string>>,
    protocols: offered as readonly string[],
  }));
}

/** As in `requestOf`. */
export function headersOf(
  headers: Readonly<Record<string, HandshakeText>>,
  values: Message,
): Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>> {
  const names = Object.keys(headers);
  const texts = Object.values(headers).map(({ make }) => make(values));
  return together(texts, (found) => {
    const made: Record<string, string> = {};
    for (const [at, name] of names.entries()) {
      const text = found[at] as string | undefined;
      if (text === undefined) continue;
      if (!isHeaderValue(name, text)) throw new Error(`headers.${name} ${UNUSABLE}`);
      made[name] = text;
    }
    return made;
  });
}

/** Adds headers whose names the request does not have. */
export function withFields(request: RemoteRequest, fields: readonly Field[]): RemoteRequest {
  const taken = new Set(Object.keys(request.headers).map((name) => name.toLowerCase()));
  const added = fields.filter(([name]) => !taken.has(name));
  return { ...request, headers: { ...request.headers, ...Object.fromEntries(added) } };
}

const UNUSABLE = 'contains, with the values of this connect, a character that HTTP does not allow there';

/** RFC 6455 4.1: no duplicates. */
function subprotocolsOf(protocols: RemoteSettings['protocols'], values: Message): string[] | Promise<string[]> {
  const texts = protocols.map(({ make }) => make(values));
  return together(texts, (found) => {
    const offered = new Set<string>();
    for (const [at, text] of (found as (string | undefined)[]).entries()) {
      if (text === undefined) continue;
      if (!isSubprotocol(text)) throw new Error(`protocols[${at}] ${UNUSABLE}`);
      offered.add(text);
    }
    return [...offered];
  });
}
