import type { Message } from '../core/message.ts';
import type { RemoteRequest } from '../core/remote.ts';
import type { Field } from '../core/trace-format.ts';
import type { RemoteSettings } from '../sdk/connect-settings.ts';
import { isHeaderValue, isSubprotocol, type RemoteUrl } from '../sdk/handshake.ts';

/**
 * The request of one connect. A header or subprotocol whose value is missing is left out. Throws an Error if the request
 * cannot be made; the error does not quote values that may be secret.
 */
export function requestOf(
  url: RemoteUrl,
  { headers, protocols }: Pick<RemoteSettings, 'headers' | 'protocols'>,
  values: Message,
): RemoteRequest {
  const made: Record<string, string> = {};
  for (const [name, { make }] of Object.entries(headers)) {
    const text = make(values);
    if (text === undefined) continue;
    if (!isHeaderValue(name, text)) throw new Error(`headers.${name} ${UNUSABLE}`);
    made[name] = text;
  }
  return { url: url.make(values), headers: made, protocols: subprotocolsOf(protocols, values) };
}

/** Adds headers whose names the request does not have. */
export function withFields(request: RemoteRequest, fields: readonly Field[]): RemoteRequest {
  const taken = new Set(Object.keys(request.headers).map((name) => name.toLowerCase()));
  const added = fields.filter(([name]) => !taken.has(name));
  return { ...request, headers: { ...request.headers, ...Object.fromEntries(added) } };
}

const UNUSABLE = 'contains, with the token and the cursor of this connect, a character that HTTP does not allow there';

/** RFC 6455 4.1: no duplicates. */
function subprotocolsOf(protocols: RemoteSettings['protocols'], values: Message): string[] {
  const offered = new Set<string>();
  for (const [at, { make }] of protocols.entries()) {
    const text = make(values);
    if (text === undefined) continue;
    if (!isSubprotocol(text)) throw new Error(`protocols[${at}] ${UNUSABLE}`);
    offered.add(text);
  }
  return [...offered];
}
