import { ownEntry } from '../core/own-entry.ts';
import type { HandshakeRequest } from '../transports/websocket/handshake.ts';

/** Headers of a handshake that its endpoint lists, in lower case; undefined where none are listed. */
export function listedHeaders(
  headers: HandshakeRequest['headers'],
  listed: readonly string[],
): Readonly<Record<string, string>> | undefined {
  if (listed.length === 0) return undefined;
  const found: Record<string, string> = {};
  for (const name of listed.map((one) => one.toLowerCase())) {
    const value = ownEntry(headers, name);
    if (value !== undefined) found[name] = String(value);
  }
  return found;
}
