import type { Endpoint } from '../actors/endpoint/endpoint.ts';
import { isAutomatic } from '../auth/automatic-credentials.ts';
import { type AuthSettings, authOf } from '../auth/settings.ts';
import { shownPositions } from '../channels/subscribing/shown-positions.ts';
import type { EndpointConfig } from '../config/index.ts';
import type { Headers } from '../core/headers.ts';
import type { Identity } from '../core/identity.ts';
import { ownText } from '../core/propagation.ts';
import type { HandshakeRequest, Refusal } from '../transports/websocket/handshake.ts';
import { LIMIT_REASONS } from '../transports/websocket/handshake-limits.ts';

import { originMatcher } from '../transports/websocket/origins.ts';
import { parseRoute } from '../transports/websocket/route.ts';
import type { HandshakeTarget } from '../transports/websocket/target.ts';
import { queryFacts, requestFacts } from './event-facts.ts';
import type { GatewayContext } from './gateway-context.ts';
import { listedHeaders } from './listed-headers.ts';
import type { ListenerContext } from './listener-context.ts';

/** Why handshakes for an endpoint are refused. */
const REFUSALS = [
  ...['stopping', 'log_down', 'not_ready', 'full', 'open_files', 'origin', 'path'],
  ...['bad_handshake', 'upgrade_required', 'identity_connections'],
  ...LIMIT_REASONS,
];
/** And where clients are checked before they are let in; the reasons of what checks them come with the first of each. */
const UNCHECKED = ['not_allowed', 'checks_full', 'check_timeout', 'check_failed'];
/** And where they join channels. */
const NOT_JOINED = ['channel_missing', 'channel_invalid', 'channel_limit'];
/** Seconds after which a client may try again, if the log was not available, or the gateway not ready or full. */
const RETRY_AFTER = 5;

/** How an endpoint lets clients in, or says why not. */
export function targetOf(shared: ListenerContext, endpoint: Endpoint): HandshakeTarget {
  const { context, refusals } = shared;
  const { name } = endpoint;
  // Each endpoint is made from the configuration of that name.
  const config = context.config.endpoints[name] as EndpointConfig;
  const auth = authOf(config, context.config.auth);
  const checked = endpoint.access === undefined ? [] : UNCHECKED;
  const reasons = [...REFUSALS, ...checked, ...(config.channels === undefined ? [] : NOT_JOINED)];
  for (const reason of reasons) shared.count(reason, name);
  const accepted = shared.timesOf(name, 'accepted');
  const refused = shared.timesOf(name, 'refused');
  const route = config.path.join(' ');
  const trace = (request: HandshakeRequest) =>
    context.tracing.enabled ? context.tracing.handshake({ ...request, route, endpoint: name }) : undefined;
  return {
    name,
    routes: config.path.map(parseRoute),
    isAllowed: originMatcher(config.origins ?? defaultOrigins(auth)),
    protocols: config.protocols ?? config.codec.spec.protocols ?? [],
    checksParams: config.codec.spec.checksParams === true,
    compresses: config.compression !== undefined,
    streams: config.sse,
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
      handshake?.end(socket.wire === 'sse' ? 200 : 101);
      const since = endpoint.channels?.hasHistory
        ? shownPositions(request.url, request.headers['last-event-id'])
        : undefined;
      const joining = { ...request, headers: listedHeaders(request.headers, config.meta_headers), since };
      const connection = endpoint.join(socket, joining, handshake, baggageOf(context, request), access);
      if (!context.events.has('ws-connection')) return;
      const { url, path, headers } = request;
      const facts = requestFacts({ url, path, headers, remote: socket.remote }, auth);
      const query = queryFacts(connection.query, auth);
      context.events.emit('ws-connection', { ...connection, query, id: connection.clientId }, facts);
    },
  };
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
  if (endpoint.isLeaving) return busy('stopping', `the endpoint ${endpoint.name} is being replaced`, 1);
  const { notReadyReason } = endpoint;
  if (notReadyReason !== undefined)
    return busy('not_ready', `the endpoint ${endpoint.name} is not ready; GET /ready says why`, RETRY_AFTER);
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
