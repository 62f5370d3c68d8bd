import type { Endpoint } from '../actors/endpoint/endpoint.ts';
import { Listener } from '../actors/listener/listener.ts';
import { createHealthHandler } from '../admin/health.ts';
import { createPageHandler } from '../admin/pages.ts';
import { fixedPathOf, pathOf } from '../admin/respond.ts';
import type { EndpointConfig, GatewayConfig } from '../config/index.ts';
import { HTTP_TIMEOUTS } from '../core/http-timeouts.ts';
import type { PageName } from '../sdk/define.ts';
import { AttachedListener, type ProgramServer } from '../transports/websocket/attached.ts';
import type { ListenerEdge } from '../transports/websocket/listener-edge.ts';
import { type ServerOptions, WebSocketListener } from '../transports/websocket/server.ts';
import type { GatewayContext } from './gateway-context.ts';
import { targetOf } from './handshake-target.ts';
import { type ListenerContext, PAGE } from './listener-context.ts';
import { edgeOf, refuseOuterLayers } from './listener-edge.ts';
import { securePort } from './secure-port.ts';

export type ListenerConfig = GatewayConfig['listeners'][string];

/** A listener with what may change of it while it listens. */
export interface RoutedListener {
  readonly listener: Listener;
  readonly edge: ListenerEdge;
  /** Whether it is a server of the program's own. */
  readonly isAttached: boolean;
  /** Leads handshakes and requests to the endpoints that the configuration has now. */
  route(edge: ListenerEdge): void;
}

/** What is logged of connections that end before they reach an endpoint. */
const TOLD: Readonly<Record<string, string>> = {
  pipelined: 'they send HTTP requests without waiting for the answer to the one before, and their connections end',
  tls: 'they speak TLS to a port that has none',
};

/** Throws TG_CONFIG_INVALID where its certificate cannot be used. It has no endpoints before `route`. */
export function createListener(
  shared: ListenerContext,
  name: string,
  config: ListenerConfig,
  attachedTo: ProgramServer | undefined,
): RoutedListener {
  const { context } = shared;
  const logger = context.scoped('listener');
  const unknown = (at: number) => shared.unknown(at);
  const edge = edgeFor(shared, name, config);
  if (attachedTo !== undefined) {
    refuseOuterLayers(name, config);
    const server = new AttachedListener(attachedTo, [], unknown, edge.router);
    const route = (next: ListenerEdge) => server.route(targetsOf(shared, name), next);
    return { listener: new Listener(name, server, logger), edge, isAttached: true, route };
  }
  const requests = new Requests(shared, name);
  const server = new WebSocketListener({
    name,
    port: config.port,
    host: config.host,
    targets: [],
    edge,
    heads: config.limits.headers,
    timeouts: { ...HTTP_TIMEOUTS, headers: config.limits.handshake_timeout },
    waiting: shared.waiting,
    tls: securePort(context, `listeners.${name}`, config.tls),
    refused: (reason: string, endpoint?: string) => {
      shared.count(reason, endpoint).value += 1;
      const message = TOLD[reason];
      if (message !== undefined) shared.refusals.add(`listeners.${name}`, { reason, message });
    },
    unknown,
    onRequest: (request, response) => requests.answer(request, response),
  });
  const route = (next: ListenerEdge) => {
    requests.route();
    server.route(targetsOf(shared, name), next);
  };
  return { listener: new Listener(name, server, logger), edge, isAttached: false, route };
}

/** Addresses and limits, by the settings. */
export function edgeFor(shared: ListenerContext, name: string, config: ListenerConfig): ListenerEdge {
  return edgeOf(shared.context, name, config, shared.refusals, shared.count('proxy_header'));
}

function targetsOf(shared: ListenerContext, name: string) {
  return servedBy(shared, name).map((endpoint) => targetOf(shared, endpoint));
}

/** In the order of the configuration, which decides between paths. */
function servedBy({ context, endpoints }: ListenerContext, name: string): Endpoint[] {
  return configuredAt(context, name).flatMap(([endpoint]) => endpoints.byName.get(endpoint) ?? []);
}

function configuredAt({ config }: GatewayContext, name: string): [string, EndpointConfig][] {
  return Object.entries(config.endpoints).filter(([, { listener }]) => listener === name);
}

/** Plain HTTP on the port of a listener: health, readiness and pages. */
class Requests {
  private readonly shared: ListenerContext;
  private readonly name: string;
  private pages: ReadonlyMap<string, PageName> = new Map();
  private readonly health: ReturnType<typeof createHealthHandler>;
  private page: ReturnType<typeof createPageHandler> = () => false;

  constructor(shared: ListenerContext, name: string) {
    const { context, state } = shared;
    this.shared = shared;
    this.name = name;
    const health = () => ({ ...state.health(), ...portFacts(context, servedBy(shared, name)) });
    this.health = createHealthHandler({ health, ready: () => state.ready() }, context.scoped('listener'));
  }

  /** Throws where the installation lacks a page. */
  route(): void {
    this.pages = pagesOf(configuredAt(this.shared.context, this.name).map(([, config]) => config));
    this.page = createPageHandler(this.pages);
  }

  answer(...[request, response]: Parameters<ServerOptions['onRequest']>): boolean {
    const { pages, shared } = this;
    const path = pathOf(request);
    const isPage = pages.has(path) || pages.has(`${path}/`);
    shared.http.watch(request, response, isPage ? PAGE : fixedPathOf(request));
    return this.health(request, response) || this.page(request, response);
  }
}

/** Two facts of /health that clients of rooms know from before there was another log than Kafka. */
function portFacts({ link, config }: GatewayContext, endpoints: readonly Endpoint[]) {
  const clients = endpoints.reduce((sum, { size }) => sum + size, 0);
  if (config.log.driver === 'embedded') return { clients, kafka: 'unused' };
  return { clients, kafka: link.isUp ? 'connected' : 'disconnected' };
}

/** Pages for browsers by path. */
function pagesOf(endpoints: readonly EndpointConfig[]): Map<string, PageName> {
  const pages = new Map<string, PageName>();
  for (const { web_client, codec } of endpoints)
    if (web_client !== undefined && codec.spec.page !== undefined) pages.set(web_client, codec.spec.page);
  return pages;
}
