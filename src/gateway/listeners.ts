import type { Endpoint } from '../actors/endpoint/endpoint.ts';
import { Listener } from '../actors/listener/listener.ts';
import { createHealthHandler } from '../admin/health.ts';
import { createPageHandler } from '../admin/pages.ts';
import { fixedPathOf, pathOf } from '../admin/respond.ts';
import type { EndpointConfig, GatewayConfig } from '../config/index.ts';
import { HTTP_TIMEOUTS } from '../core/http-timeouts.ts';
import { ownEntry } from '../core/own-entry.ts';
import { AttachedListener, type ProgramServer } from '../transports/websocket/attached.ts';
import { WebSocketListener } from '../transports/websocket/server.ts';
import type { GatewayContext } from './gateway-context.ts';
import { targetOf } from './handshake-target.ts';
import { type GatewayState, ListenerContext, PAGE } from './listener-context.ts';
import { edgeOf, refuseOuterLayers } from './listener-edge.ts';
import { securePort } from './secure-port.ts';

/** Servers of the program that take the place of listeners, by name. */
export type Servers = Readonly<Record<string, ProgramServer>>;

/** What is logged of connections that end before they reach an endpoint. */
const TOLD: Readonly<Record<string, string>> = {
  pipelined: 'they send HTTP requests without waiting for the answer to the one before, and their connections end',
  tls: 'they speak TLS to a port that has none',
};

export function createListeners(
  context: GatewayContext,
  endpoints: ReadonlyMap<string, Endpoint>,
  state: GatewayState,
  servers: Servers,
): Listener[] {
  const shared = new ListenerContext(context, endpoints, state);
  return Object.entries(context.config.listeners).map(([name, listener]) =>
    createListener(shared, name, listener, ownEntry(servers, name)),
  );
}

function createListener(
  shared: ListenerContext,
  name: string,
  config: GatewayConfig['listeners'][string],
  attachedTo: ProgramServer | undefined,
): Listener {
  const { context, state } = shared;
  const logger = context.scoped('listener');
  const configured = Object.entries(context.config.endpoints).filter(([, { listener }]) => listener === name);
  const served = configured.flatMap(([endpoint]) => shared.endpoints.get(endpoint) ?? []);
  const targets = served.map((endpoint) => targetOf(shared, endpoint));
  const refused = (reason: string, endpoint?: string) => {
    shared.count(reason, endpoint).value += 1;
    const message = TOLD[reason];
    if (message !== undefined) shared.refusals.add(`listeners.${name}`, { reason, message });
  };
  const unknown = (at: number) => shared.unknown(at);
  const edge = edgeOf(context, name, config, shared.refusals, shared.count('proxy_header'));
  if (attachedTo !== undefined) {
    refuseOuterLayers(name, config);
    return new Listener(name, new AttachedListener(attachedTo, targets, unknown, edge.router), logger);
  }
  const health = () => ({ ...state.health(), ...portFacts(context, served) });
  const pages = pagesOf(configured.map(([, config]) => config));
  const answers = [createHealthHandler({ health, ready: () => state.ready() }, logger), createPageHandler(pages)];
  const isPage = (path: string) => pages.has(path) || pages.has(`${path}/`);
  const server = new WebSocketListener({
    name,
    port: config.port,
    host: config.host,
    targets,
    edge,
    heads: config.limits.headers,
    timeouts: { ...HTTP_TIMEOUTS, headers: config.limits.handshake_timeout },
    waiting: shared.waiting,
    tls: securePort(context, `listeners.${name}`, config.tls),
    refused,
    unknown,
    onRequest: (request, response) => {
      shared.http.watch(request, response, isPage(pathOf(request)) ? PAGE : fixedPathOf(request));
      return answers.some((answer) => answer(request, response));
    },
  });
  return new Listener(name, server, logger);
}

/** Two facts of /health that clients of rooms know from before there was another log than Kafka. */
function portFacts({ link, config }: GatewayContext, endpoints: readonly Endpoint[]) {
  const clients = endpoints.reduce((sum, { size }) => sum + size, 0);
  if (config.log.driver === 'embedded') return { clients, kafka: 'unused' };
  return { clients, kafka: link.isUp ? 'connected' : 'disconnected' };
}

/** Pages for browsers by path. */
function pagesOf(endpoints: readonly EndpointConfig[]): Map<string, 'rooms' | 'chat'> {
  const pages = new Map<string, 'rooms' | 'chat'>();
  for (const { web_client, codec } of endpoints)
    if (web_client !== undefined && codec.spec.page !== undefined) pages.set(web_client, codec.spec.page);
  return pages;
}
