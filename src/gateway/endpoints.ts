import type { ClientLimitRules } from '../actors/endpoint/client-limits.ts';
import { Endpoint } from '../actors/endpoint/endpoint.ts';
import type { EndpointOptions } from '../actors/endpoint/endpoint-context.ts';
import { tokenParametersOf } from '../auth/automatic-credentials.ts';
import { authOf } from '../auth/settings.ts';
import { ChannelHub } from '../channels/channel-hub.ts';
import type { EndpointConfig } from '../config/index.ts';
import type { Codec } from '../core/component.ts';
import { BucketRule } from '../core/token-bucket.ts';
import type { Quota } from '../core/units.ts';
import { makeComponent } from '../sdk/make.ts';
import { encodeFrame } from '../transports/websocket/framing.ts';
import { accessOf } from './access.ts';
import type { Authenticators } from './authenticators.ts';
import { componentContext } from './component-context.ts';
import { queryFacts } from './event-facts.ts';
import type { GatewayContext } from './gateway-context.ts';
import { replayLimits } from './replay.ts';

/** Each endpoint, by name. */
export async function createEndpoints(
  context: GatewayContext,
  authenticators: Authenticators,
): Promise<Map<string, Endpoint>> {
  const endpoints = new Map<string, Endpoint>();
  for (const [name, endpoint] of Object.entries(context.config.endpoints))
    endpoints.set(name, await createEndpoint(context, name, endpoint, authenticators));
  return endpoints;
}

async function createEndpoint(
  context: GatewayContext,
  name: string,
  endpoint: EndpointConfig,
  authenticators: Authenticators,
): Promise<Endpoint> {
  const { codec, in_flight, slow_consumer } = endpoint;
  const auth = authOf(endpoint, context.config.auth);
  const replay = replayLimits(endpoint);
  const made = makeComponent(codec.spec, codec.config, componentContext(context, `endpoints.${name}.codec`));
  return new Endpoint({
    name,
    isOutputOnly: endpoint.direction === 'out',
    codec: made,
    ...accessOf(name, endpoint, authenticators),
    limits: {
      messages: in_flight.messages,
      bytes: in_flight.bytes,
      queue: slow_consumer.queue,
      whenFull: slow_consumer.when_full,
    },
    filteredIsError: endpoint.on_filtered === 'error',
    keepsRejected: endpoint.rejected === 'dead_letter',
    sweep: {
      pingInterval: seconds(endpoint.ping.interval),
      pingTimeout: seconds(endpoint.ping.timeout),
      frameTimeout: seconds(endpoint.frame_timeout),
      stallTimeout: seconds(endpoint.stall_timeout),
    },
    clientLimits: clientLimitsOf(endpoint.limits),
    tokenParameters: new Set(auth && tokenParametersOf(auth)),
    ...(await roomOf(context, name, endpoint, made)),
    ...(await topicsOf(context, name, endpoint)),
    ...channelsOf(context, name, endpoint),
    ...(replay === undefined ? {} : { replay }),
    closed: (id, connection, code, reason) => {
      if (!context.events.has('ws-close')) return;
      const query = queryFacts(connection.query, auth);
      context.events.emit('ws-close', { ...connection, query, id }, { code, reason });
    },
    encode: encodeFrame,
    memory: context.memory,
    clock: context.clock,
    newId: context.newId,
    logger: context.scoped('endpoint', { endpoint: name }),
    stats: context.stats,
    tracing: context.tracing,
    propagation: context.propagation,
    baggage: context.baggage,
  });
}

async function roomOf(
  context: GatewayContext,
  name: string,
  endpoint: EndpointConfig,
  { membership }: Codec,
): Promise<Pick<EndpointOptions, 'room'>> {
  const { presence } = endpoint;
  if (presence === undefined || membership === undefined) return {};
  const { createRoom } = await import('./endpoint-room.ts');
  return { room: createRoom(context, name, presence, membership) };
}

async function topicsOf(
  context: GatewayContext,
  name: string,
  endpoint: EndpointConfig,
): Promise<Pick<EndpointOptions, 'topics'>> {
  if (endpoint.codec.spec.servesTopics !== true) return {};
  const { createTopicService } = await import('./topic-clients.ts');
  return { topics: createTopicService(context, name, endpoint) };
}

function channelsOf(
  { stats }: GatewayContext,
  name: string,
  endpoint: EndpointConfig,
): Pick<EndpointOptions, 'channels'> {
  const { channels, allow } = endpoint;
  if (channels === undefined) return {};
  const isOnRequest = (allow?.subscribe.length ?? 0) > 0;
  const options = { endpoint: name, maxPerConnection: channels.max_per_connection, isOnRequest, stats };
  return { channels: (home) => new ChannelHub(options, home) };
}

/** undefined where nothing is limited: nothing is counted then. */
function clientLimitsOf(limits: EndpointConfig['limits']): ClientLimitRules | undefined {
  const { messages, bytes, burst, when_over, per_identity } = limits;
  const given = [messages, bytes, ...Object.values(per_identity)];
  if (given.every((limit) => limit === undefined)) return undefined;
  const rule = (quota: Quota | undefined) => quota && new BucketRule(quota, burst);
  return {
    own: { messages: rule(messages), bytes: rule(bytes) },
    identity: {
      connections: per_identity.connections,
      messages: rule(per_identity.messages),
      bytes: rule(per_identity.bytes),
    },
    closes: when_over === 'close',
  };
}

function seconds(milliseconds: number): number {
  return Math.ceil(milliseconds / 1_000);
}
