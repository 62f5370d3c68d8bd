import type { Audience } from '../actors/audience/audience.ts';
import { Listener } from '../actors/listener/listener.ts';
import { createHealthHandler, type HealthSources } from '../admin/health.ts';
import { createPageHandler } from '../admin/pages.ts';
import type { EndpointConfig, GatewayConfig } from '../config/index.ts';
import { ownEntry } from '../core/own-entry.ts';
import { AttachedListener, type ProgramServer } from '../transports/websocket/attached.ts';
import type { Refusal } from '../transports/websocket/handshake.ts';
import { mostSockets } from '../transports/websocket/open-files.ts';
import { originMatcher } from '../transports/websocket/origins.ts';
import type { EndpointDoor } from '../transports/websocket/reception.ts';
import { parseRoute } from '../transports/websocket/route.ts';
import { WebSocketListener } from '../transports/websocket/server.ts';
import { Refusals } from './refusals.ts';
import type { Workshop } from './workshop.ts';

/** What a listener has to know of the gateway as a whole. */
export interface GatewayState extends HealthSources {
  readonly isStopping: boolean;
}

/** Servers of the program's own that stand for listeners, by name. */
export type Servers = Readonly<Record<string, ProgramServer>>;

/** Why handshakes for an endpoint are refused. */
const REFUSALS = ['stopping', 'log_down', 'full', 'open_files', 'origin', 'path'];

/** Seconds after which a client may try again that came while the log was away. */
const RETRY_AFTER = 5;

export function createListeners(
  workshop: Workshop,
  audiences: ReadonlyMap<string, Audience>,
  state: GatewayState,
  servers: Servers,
): Listener[] {
  const house = new House(workshop, audiences, state);
  return Object.entries(workshop.config.listeners).map(([name, listener]) =>
    createListener(house, name, listener, ownEntry(servers, name)),
  );
}

/** All that come in, by whichever listener, share it. */
class House {
  readonly workshop: Workshop;
  readonly audiences: ReadonlyMap<string, Audience>;
  readonly state: GatewayState;
  readonly refusals: Refusals;
  /** Sockets that the process may have open. */
  readonly room = mostSockets();

  constructor(workshop: Workshop, audiences: ReadonlyMap<string, Audience>, state: GatewayState) {
    this.workshop = workshop;
    this.audiences = audiences;
    this.state = state;
    this.refusals = new Refusals(workshop.scoped('listener'), workshop.clock);
  }

  get isFull(): boolean {
    let size = 0;
    for (const audience of this.audiences.values()) size += audience.size;
    return size >= this.room;
  }
}

function createListener(
  house: House,
  name: string,
  { port, host }: GatewayConfig['listeners'][string],
  attachedTo: ProgramServer | undefined,
): Listener {
  const { workshop, audiences, state } = house;
  const logger = workshop.scoped('listener');
  const endpoints = Object.entries(workshop.config.endpoints).filter(([, { listener }]) => listener === name);
  const served = endpoints.flatMap(([endpoint]) => audiences.get(endpoint) ?? []);
  const doors = served.map((audience) => doorOf(house, audience));
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

/** Two of the facts that rooms have always told at their own port, in their words; there was no log but Kafka then. */
function portFacts({ link, config }: Workshop, audiences: readonly Audience[]) {
  const clients = audiences.reduce((sum, { size }) => sum + size, 0);
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

function doorOf(house: House, audience: Audience): EndpointDoor {
  const { workshop, refusals } = house;
  const { name } = audience;
  // An audience is made from an endpoint of that name.
  const endpoint = workshop.config.endpoints[name] as EndpointConfig;
  const { stats, telemetry } = workshop;
  for (const reason of REFUSALS) stats.counter('tidegate_connections_refused_total', { endpoint: name, reason });
  const trace = (request: Parameters<EndpointDoor['accept']>[1]) =>
    telemetry.tracing.handshake({ ...request, route: endpoint.path.join(' '), endpoint: name });
  return {
    name,
    routes: endpoint.path.map(parseRoute),
    isAllowed: originMatcher(endpoint.origins),
    protocols: endpoint.protocols ?? endpoint.codec.spec.protocols ?? [],
    checksParams: endpoint.codec.spec.checksParams === true,
    maxPayload: endpoint.max_payload,
    refusal: () => refusalOf(house, audience, endpoint),
    refused: (request, refusal) => {
      stats.counter('tidegate_connections_refused_total', { endpoint: name, reason: refusal.reason }).value += 1;
      refusals.add(name, refusal);
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

function refusalOf(house: House, audience: Audience, { max_connections }: EndpointConfig): Refusal | undefined {
  if (house.state.isStopping) return busy('stopping', 'the gateway is stopping', 1);
  if (!house.workshop.link.isUp) return busy('log_down', 'the log is not available at the moment', RETRY_AFTER);
  if (audience.size >= max_connections)
    return busy('full', `endpoints.${audience.name}.max_connections is reached`, RETRY_AFTER);
  if (!house.isFull) return undefined;
  return busy('open_files', `the gateway has no room for more than ${house.room} connections`, RETRY_AFTER);
}

function busy(reason: string, message: string, retryAfter: number): Refusal {
  return { status: 503, reason, message, retryAfter };
}
