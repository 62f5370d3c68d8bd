import type { IncomingMessage } from 'node:http';
import { AddressRanges } from '../../core/address-ranges.ts';
import { plainAddress } from '../../core/client-address.ts';
import type { Clock } from '../../core/clock.ts';
import { clientAddress } from './forwarded.ts';
import { HandshakeLimits, type ListenerLimits } from './handshake-limits.ts';
import type { RouterOptions } from './handshake-router.ts';
import { ProxiedConnections } from './proxied-connections.ts';
import type { ProxyVersions } from './proxy-header.ts';

export interface EdgeOptions {
  /** Name of the listener. */
  readonly name: string;
  readonly trustedProxies: readonly string[];
  readonly proxyProtocol: ProxyVersions | 'off';
  readonly limits: ListenerLimits;
  /** Milliseconds that the PROXY header may take. */
  readonly timeout: number;
  readonly clock: Clock;
  /** A connection was cut, as its PROXY header did not come as it should. */
  readonly refused: (peer: string, reason: string) => void;
}

/** Where a listener takes the addresses of its clients from, and how many of them it lets in. */
export interface ListenerEdge {
  readonly router: Pick<RouterOptions, 'addressOf' | 'limits'>;
  /** Where connections begin with a header of the PROXY protocol. */
  readonly proxied: ProxiedConnections | undefined;
}

export function createEdge(options: EdgeOptions): ListenerEdge {
  const { name, trustedProxies, proxyProtocol, limits, timeout, clock, refused } = options;
  const trusted = new AddressRanges(trustedProxies);
  const isLimited = hasLimits(limits);
  const proxied =
    proxyProtocol === 'off'
      ? undefined
      : new ProxiedConnections({ versions: proxyProtocol, trusted, timeout, refused });
  const addressOf = (request: IncomingMessage) => {
    const { socket, headers } = request;
    const peer = proxied?.sourceOf(socket) ?? plainAddress(socket.remoteAddress ?? '') ?? '';
    return clientAddress(peer, headers, trusted);
  };
  const isPlain = trusted.isEmpty && proxied === undefined && !isLimited;
  return {
    router: {
      // Each address that is asked for takes memory as long as its socket is open.
      addressOf: isPlain ? undefined : addressOf,
      limits: isLimited ? new HandshakeLimits(name, limits, clock) : undefined,
    },
    proxied,
  };
}

function hasLimits({ handshakes, connections, per_address }: ListenerLimits): boolean {
  return [handshakes, connections, per_address.handshakes, per_address.connections].some(
    (limit) => limit !== undefined,
  );
}
