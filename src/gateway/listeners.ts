import type { Endpoint } from '../actors/endpoint/endpoint.ts';
import { Listener } from '../actors/listener/listener.ts';
import { createHealthHandler, type HealthSources } from '../admin/health.ts';
import { gets, HttpMetrics } from '../admin/http-metrics.ts';
import { createPageHandler } from '../admin/pages.ts';
import { fixedPathOf, pathOf } from '../admin/respond.ts';
import { isAutomatic } from '../auth/automatic-credentials.ts';
import type { AuthSettings } from '../auth/settings.ts';
import type { EndpointConfig, GatewayConfig } from '../config/index.ts';
import type { Headers } from '../core/headers.ts';
import { HTTP_TIMEOUTS } from '../core/http-timeouts.ts';
import type { Identity } from '../core/identity.ts';
import { ownEntry } from '../core/own-entry.ts';
import { ownText } from '../core/propagation.ts';
import { resourceLimit } from '../core/resource-limits.ts';
import { WaitingConnections } from '../core/waiting-connections.ts';
import type { Counter } from '../telemetry/stats.ts';
import { AttachedListener, type ProgramServer } from '../transports/websocket/attached.ts';
import type { HandshakeRequest, Refusal } from '../transports/websocket/handshake.ts';
import { LIMIT_REASONS } from '../transports/websocket/handshake-limits.ts';
import type { HandshakeTarget } from '../transports/websocket/handshake-router.ts';
import { mostSockets, mostWaiting } from '../transports/websocket/open-files.ts';
import { originMatcher } from '../transports/websocket/origins.ts';
import { parseRoute } from '../transports/websocket/route.ts';
import { WebSocketListener } from '../transports/websocket/server.ts';
import { authOf, queryFacts, requestFacts } from './event-facts.ts';
import type { GatewayContext } from './gateway-context.ts';
import { edgeOf, refuseOuterLayers } from './listener-edge.ts';
import { Refusals } from './refusals.ts';
import { securePort } from './secure-port.ts';

/** What a listener has to know of the gateway as a whole. */
export interface GatewayState extends HealthSources {
  readonly isStopping: boolean;
  /** Resolves when clients that came while the gateway starts are to be answered; undefined where it has started. */
  opening(): Promise<void> | undefined;
}

/** Servers of the program that take the place of listeners, by name. */
export type Servers = Readonly<Record<string, ProgramServer>>;

/** Why handshakes for an endpoint are refused. */
const REFUSALS = [
  ...['stopping', 'log_down', 'not_ready', 'full', 'open_files', 'origin', 'path'],
  ...['bad_handshake', 'upgrade_required', 'identity_connections'],
  ...LIMIT_REASONS,
];
/** And where clients are checked before they are let in; the reasons of what checks them come with the first of each. */
const UNCHECKED = ['not_allowed', 'checks_full', 'check_timeout', 'check_failed'];
/** Why connections end before they reach an endpoint. */
const OUTSIDE = [
  ...['not_found', 'bad_request', 'headers_too_large', 'timeout', 'waiting', 'pipelined'],
  ...['tls', 'proxy_header'],
];
/** The label `endpoint` of those; a name of the configuration begins with a letter. */
const NO_ENDPOINT = '-';

/** What is logged of connections that end before they reach an endpoint. */
const TOLD: Readonly<Record<string, string>> = {
  pipelined: 'they send HTTP requests without waiting for the answer to the one before, and their connections end',
  tls: 'they speak TLS to a port that has none',
};

/** Label of the pages for browsers, whatever their paths are. */
const PAGE = 'page';

/** Seconds after which a client may try again, if the log was not available, or the gateway not ready or full. */
const RETRY_AFTER = 5;

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

/** What all listeners share. */
class ListenerContext {
  readonly context: GatewayContext;
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly state: GatewayState;
  readonly refusals: Refusals;
  readonly http: HttpMetrics;
  private readonly files = resourceLimit('Max open files');
  /** Sockets of clients that the process may have open. */
  readonly room = mostSockets(this.files);
  readonly waiting = new WaitingConnections(
    () => mostWaiting(this.size, this.files),
    () => this.cut(),
  );

  /** Of handshakes that no endpoint takes. */
  private readonly answered: (at: number) => void;

  constructor(context: GatewayContext, endpoints: ReadonlyMap<string, Endpoint>, state: GatewayState) {
    this.context = context;
    this.endpoints = endpoints;
    this.state = state;
    this.refusals = new Refusals(context.scoped('listener'), context.clock);
    this.http = new HttpMetrics(context.stats, 'public', gets('/health', '/ready', PAGE));
    for (const reason of OUTSIDE) this.count(reason);
    this.answered = timesOf(context, NO_ENDPOINT, 'refused');
  }

  get isFull(): boolean {
    return this.size >= this.room;
  }

  /** Of handshakes and requests that were refused. */
  count(reason: string, endpoint = NO_ENDPOINT): Counter {
    return this.context.stats.counter('tidegate_connections_refused_total', { endpoint, reason });
  }

  /** Clients, of all endpoints. */
  private get size(): number {
    let size = 0;
    for (const endpoint of this.endpoints.values()) size += endpoint.size;
    return size;
  }

  /** A handshake for a path that is no endpoint's. */
  unknown(at: number): void {
    this.count('not_found').value += 1;
    this.answered(at);
  }

  private cut(): void {
    this.count('waiting').value += 1;
    const message = 'too many connections are open that have sent no request, and the oldest of them are cut';
    this.refusals.add('the listeners', { reason: 'waiting', message });
  }
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

function targetOf(shared: ListenerContext, endpoint: Endpoint): HandshakeTarget {
  const { context, refusals } = shared;
  const { name } = endpoint;
  // Each endpoint is made from the configuration of that name.
  const config = context.config.endpoints[name] as EndpointConfig;
  const auth = authOf(config, context.config.auth);
  const reasons = endpoint.access === undefined ? REFUSALS : [...REFUSALS, ...UNCHECKED];
  for (const reason of reasons) shared.count(reason, name);
  const accepted = timesOf(context, name, 'accepted');
  const refused = timesOf(context, name, 'refused');
  const route = config.path.join(' ');
  const trace = (request: HandshakeRequest) =>
    context.tracing.enabled ? context.tracing.handshake({ ...request, route, endpoint: name }) : undefined;
  return {
    name,
    routes: config.path.map(parseRoute),
    isAllowed: originMatcher(config.origins ?? defaultOrigins(auth)),
    protocols: config.protocols ?? config.codec.spec.protocols ?? [],
    checksParams: config.codec.spec.checksParams === true,
    maxPayload: config.max_payload,
    memory: context.memory,
    access: endpoint.access,
    refusal: ({ identity }) => refusalOf(shared, endpoint, config, identity),
    refused: (request, refusal) => {
      shared.count(refusal.reason, name).value += 1;
      refused(request.at);
      refusals.add(name, refusal);
      trace(request)?.end(refusal.status);
    },
    accept: (socket, request, access) => {
      accepted(request.at);
      const handshake = trace(request);
      handshake?.end(101);
      const joining = { ...request, headers: listedHeaders(request.headers, config.meta_headers) };
      const connection = endpoint.join(socket, joining, handshake, baggageOf(context, request), access);
      if (!context.events.has('ws-connection')) return;
      const { url, path, headers } = request;
      const facts = requestFacts({ url, path, headers, remote: socket.remote }, auth);
      const query = queryFacts(connection.query, auth);
      context.events.emit('ws-connection', { ...connection, query, id: connection.clientId }, facts);
    },
  };
}

/** Records how long handshakes take that came `at`, by performance.now(). */
function timesOf({ stats }: GatewayContext, endpoint: string, result: 'accepted' | 'refused'): (at: number) => void {
  const times = stats.histogram('tidegate_handshake_seconds', { endpoint, result });
  return (at) => times.record((performance.now() - at) / 1_000);
}

/** undefined where none are listed. */
function listedHeaders(
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

/** Pages that may connect where the configuration does not say. */
function defaultOrigins(auth: AuthSettings | undefined): readonly string[] {
  return auth !== undefined && isAutomatic(auth) ? ['self'] : ['*'];
}

/** What a handshake carries for the messages that follow: by its headers, else by its query. */
function baggageOf(
  { baggage }: GatewayContext,
  { headers, query }: Pick<HandshakeRequest, 'headers' | 'query'>,
): Headers | undefined {
  if (baggage === undefined) return undefined;
  const found = baggage.read(headers, ownText);
  return found.length > 0 ? found : baggage.read(query, ownText);
}

function refusalOf(
  shared: ListenerContext,
  endpoint: Endpoint,
  { max_connections }: EndpointConfig,
  identity: Identity | undefined,
): Refusal | undefined {
  if (shared.state.isStopping) return busy('stopping', 'the gateway is stopping', 1);
  if (!shared.context.link.isUp) return busy('log_down', 'the log is not available at the moment', RETRY_AFTER);
  if (shared.state.ready().reasons.length > 0) {
    const refusal = busy('not_ready', 'the gateway is not ready; GET /ready says why', RETRY_AFTER);
    return { ...refusal, until: shared.state.opening() };
  }
  if (endpoint.size >= max_connections)
    return busy('full', `endpoints.${endpoint.name}.max_connections is reached`, RETRY_AFTER);
  if (endpoint.isFullFor(identity)) {
    const message = `endpoints.${endpoint.name}.limits.per_identity.connections is reached`;
    return { status: 429, reason: 'identity_connections', message, retryAfter: RETRY_AFTER };
  }
  if (!shared.isFull) return undefined;
  return busy('open_files', `the gateway has no room for more than ${shared.room} connections`, RETRY_AFTER);
}

function busy(reason: string, message: string, retryAfter: number): Refusal {
  return { status: 503, reason, message, retryAfter };
}
