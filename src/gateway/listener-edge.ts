import type { GatewayConfig } from '../config/index.ts';
import { TidegateError } from '../core/errors.ts';
import { createEdge, type ListenerEdge } from '../transports/websocket/listener-edge.ts';
import type { GatewayContext } from './gateway-context.ts';
import type { Refusals } from './refusals.ts';

type ListenerConfig = GatewayConfig['listeners'][string];

/** Addresses and limits of a listener, by its configuration. `count`: of connections that are cut for their PROXY header. */
export function edgeOf(
  { clock }: GatewayContext,
  name: string,
  { trusted_proxies, proxy_protocol, limits }: ListenerConfig,
  refusals: Refusals,
  count: { value: number },
): ListenerEdge {
  return createEdge({
    name,
    trustedProxies: trusted_proxies,
    proxyProtocol: proxy_protocol,
    limits,
    timeout: limits.handshake_timeout,
    clock,
    refused: (peer, reason) => {
      count.value += 1;
      const message = `a connection from ${peer} is cut: ${reason}`;
      refusals.add(`listeners.${name}`, { reason: 'proxy_header', message });
    },
  });
}

/** TLS and the PROXY header are in front of all that a server reads: only the one who accepts connections has to do with them. */
export function refuseOuterLayers(name: string, { proxy_protocol, tls }: ListenerConfig): void {
  if (tls !== undefined)
    throw new TidegateError(
      'TG_LISTEN_FAILED',
      `listeners.${name}: tls is for a port that the gateway binds itself; give the certificate to your server and leave tls out, or do not pass a server`,
    );
  if (proxy_protocol === 'off') return;
  throw new TidegateError(
    'TG_LISTEN_FAILED',
    `listeners.${name}: proxy_protocol is for a port that the gateway binds itself; turn it off, or do not pass a server`,
  );
}
