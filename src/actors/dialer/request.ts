import type { Message } from '../../core/message.ts';
import type { RemoteRequest } from '../../core/remote.ts';
import { isHeaderValue, isSubprotocol, type RemoteUrl } from '../../sdk/handshake.ts';
import type { RemoteSettings } from '../../sdk/remote.ts';

/**
 * The request of one connect. A header or subprotocol without its value is left out. Throws an Error, which quotes
 * nothing that may be secret, where the request cannot be made.
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

const UNUSABLE = 'has, with the token and the cursor of this connect, a character that HTTP does not allow there';

/** RFC 6455 4.1: none twice. */
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
