import type { Audience } from '../actors/audience/audience.ts';
import { Listener } from '../actors/listener/listener.ts';
import { createHealthHandler, type HealthSources } from '../admin/health.ts';
import { createPageHandler } from '../admin/pages.ts';
import type { EndpointConfig, GatewayConfig } from '../config/index.ts';
import { AttachedListener, type ProgramServer } from '../transports/websocket/attached.ts';
import type { Refusal } from '../transports/websocket/handshake.ts';
import type { EndpointDoor } from '../transports/websocket/reception.ts';
import { parseRoute } from '../transports/websocket/route.ts';
import { WebSocketListener } from '../transports/websocket/server.ts';
import type { Workshop } from './workshop.ts';

/** What a listener has to know of the gateway as a whole. */
export interface GatewayState extends HealthSources {
  readonly isStopping: boolean;
}

/** Servers of the program's own that stand for listeners, by name. */
export type Servers = Readonly<Record<string, ProgramServer>>;

/** Seconds after which a client may try again that came while the log was away. */
const RETRY_AFTER = 5;

export function createListeners(
  workshop: Workshop,
  audiences: ReadonlyMap<string, Audience>,
  state: GatewayState,
  servers: Servers,
): Listener[] {
  return Object.entries(workshop.config.listeners).map(([name, listener]) =>
    createListener(workshop, audiences, state, name, listener, servers[name]),
  );
}

function createListener(
  workshop: Workshop,
  audiences: ReadonlyMap<string, Audience>,
  state: GatewayState,
  name: string,
  { port, host }: GatewayConfig['listeners'][string],
  attachedTo: ProgramServer | undefined,
): Listener {
  const logger = workshop.scoped('listener');
  const endpoints = Object.entries(workshop.config.endpoints).filter(([, { listener }]) => listener === name);
  const served = endpoints.flatMap(([endpoint]) => audiences.get(endpoint) ?? []);
  const doors = served.map((audience) => doorOf(workshop, audience, state));
  if (attachedTo !== undefined) return new Listener(name, new AttachedListener(attachedTo, doors), logger);
  const health = () => ({ ...state.health(), ...portFacts(workshop, served) });
  const answers = [
    createHealthHandler({ health, ready: state.ready }, logger),
    createPageHandler(pagesOf(endpoints.map(([, endpoint]) => endpoint))),
  ];
  const server = new WebSocketListener({
    name,
    port,
    host,
    doors,
    onRequest: (request, response) => answers.some((answer) => answer(request, response)),
  });
  return new Listener(name, server, logger);
}

/** Two of the facts that rooms have always told at their own port, in their words. */
function portFacts({ link }: Workshop, audiences: readonly Audience[]) {
  const clients = audiences.reduce((sum, { size }) => sum + size, 0);
  return { clients, kafka: link.isUp ? 'connected' : 'disconnected' };
}

/** Pages for browsers by path. */
function pagesOf(endpoints: readonly EndpointConfig[]): Map<string, 'rooms' | 'chat'> {
  const pages = new Map<string, 'rooms' | 'chat'>();
  for (const { web_client, codec } of endpoints)
    if (web_client !== undefined && codec.spec.page !== undefined) pages.set(web_client, codec.spec.page);
  return pages;
}

function doorOf(workshop: Workshop, audience: Audience, state: GatewayState): EndpointDoor {
  const { name } = audience;
  // An audience is made from an endpoint of that name.
  const endpoint = workshop.config.endpoints[name] as EndpointConfig;
  const { stats, telemetry } = workshop;
  const trace = (request: Parameters<EndpointDoor['accept']>[1]) =>
    telemetry.tracing.handshake({ ...request, route: endpoint.path.join(' '), endpoint: name });
  return {
    name,
    routes: endpoint.path.map(parseRoute),
    origins: endpoint.origins,
    maxPayload: endpoint.max_payload,
    refusal: () => refusalOf(workshop, audience, endpoint, state),
    refused: (request, refusal) => {
      stats.counter('tidegate_connections_refused_total', { endpoint: name, reason: refusal.reason }).value += 1;
      trace(request)?.end(refusal.status);
    },
    accept: (socket, request) => {
      const handshake = trace(request);
      handshake?.end(101);
      const connection = audience.join(socket, request, handshake);
      if (!workshop.events.has('ws-connection')) return;
      const { url, path, headers } = request;
      const facts = { url, path, headers, remote: socket.remote };
      workshop.events.emit('ws-connection', { ...connection, id: connection.clientId }, facts);
    },
  };
}

function refusalOf(
  { link }: Workshop,
  audience: Audience,
  { max_connections }: EndpointConfig,
  state: GatewayState,
): Refusal | undefined {
  if (state.isStopping) return busy('stopping', 'the gateway is stopping', 1);
  if (!link.isUp) return busy('log_down', 'the log cannot be reached at the moment', RETRY_AFTER);
  if (audience.size < max_connections) return undefined;
  return busy('full', `endpoints.${audience.name}.max_connections is reached`, RETRY_AFTER);
}

function busy(reason: string, message: string, retryAfter: number): Refusal {
  return { status: 503, reason, message, retryAfter };
}
