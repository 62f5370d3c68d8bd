import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import type { AddressRanges } from '../../core/address-ranges.ts';
import { plainAddress } from '../../core/client-address.ts';

/** Addresses of a header, the client first and the last proxy's peer last; undefined for one that is not an address. */
type Hops = readonly (string | undefined)[];

/** `[2001:db8::1]:443`, `[2001:db8::1]` and `192.0.2.1:443`; the port of RFC 7239 6.3 may be a made-up name. */
const WITH_PORT = /^(?:\[([^\]]+)\]|(\d+\.\d+\.\d+\.\d+))(?::(?:\d{1,5}|_[\w.-]+))?$/;

/** One element of Forwarded: pairs of a token and a token or quoted text (RFC 7239 4), as far as the next comma or the end. */
const PAIR = /[ \t]*([!#$%&'*+.^`|~\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^`|~\w-]+))[ \t]*(;|,|$)/y;

/**
 * The address of a client. Headers are believed where the peer is a trusted proxy: they are read from their end, where the last
 * proxy wrote, and the first address that is not a trusted proxy's is the client's. It is the peer's where that place holds
 * something else than an address, or where X-Forwarded-For and Forwarded say different things: a proxy writes one of them, and
 * passes the other one on as the client sent it.
 */
export function clientAddress(peer: string, headers: IncomingHttpHeaders, trusted: AddressRanges): string {
  if (!trusted.has(peer)) return peer;
  const { forwarded, 'x-forwarded-for': list } = headers;
  const found = [hopsOfList(textOf(list)), hopsOfForwarded(forwarded)]
    .filter((hops) => hops !== undefined)
    .map((hops) => lastUntrusted(hops, trusted));
  const [first = peer, second = first] = found;
  return found.includes(undefined) || first !== second ? peer : first;
}

/** undefined where what decides is not an address. */
function lastUntrusted(hops: Hops, trusted: AddressRanges): string | undefined {
  for (let at = hops.length - 1; at > 0; at--) {
    const address = hops[at];
    if (address === undefined || !trusted.has(address)) return address;
  }
  return hops[0];
}

/** undefined where there is no such header. */
function hopsOfList(text: string | undefined): Hops | undefined {
  if (text === undefined) return undefined;
  return text.split(',').map((entry) => nodeAddress(entry.trim().replace(/^"(.*)"$/s, '$1')));
}

/** Each element has one `for`; a header that breaks RFC 7239 says nothing. */
function hopsOfForwarded(text: string | undefined): Hops | undefined {
  if (text === undefined) return undefined;
  const hops: (string | undefined)[] = [];
  let node: string | undefined;
  PAIR.lastIndex = 0;
  for (;;) {
    const [, name = '', quoted, token, end] = PAIR.exec(text) ?? [];
    if (end === undefined) return [undefined];
    if (name.toLowerCase() === 'for') {
      if (node !== undefined) return [undefined];
      node = quoted === undefined ? (token ?? '') : quoted.replace(/\\(.)/gs, '$1');
    }
    if (end === ';') continue;
    hops.push(node === undefined ? undefined : nodeAddress(node));
    node = undefined;
    if (end === '') return hops;
  }
}

/** undefined for `unknown` and for made-up names such as `_hidden` (RFC 7239 6). */
function nodeAddress(text: string): string | undefined {
  if (isIP(text) !== 0) return plainAddress(text);
  const [, six, four] = WITH_PORT.exec(text) ?? [];
  if (six !== undefined) return isIP(six) === 6 ? plainAddress(six) : undefined;
  return four === undefined ? undefined : plainAddress(four);
}

function textOf(value: string | string[] | undefined): string | undefined {
  return typeof value === 'object' ? value.join(', ') : value;
}
