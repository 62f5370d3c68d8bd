import type { ClientLimitRules } from '../actors/endpoint/client-limits.ts';
import { Endpoint } from '../actors/endpoint/endpoint.ts';
import type { EndpointChanges, EndpointOptions } from '../actors/endpoint/endpoint-context.ts';
import type { TopicClients } from '../actors/endpoint/topic-clients.ts';
import { tokenParametersOf } from '../auth/automatic-credentials.ts';
import { authOf } from '../auth/settings.ts';
import { ChannelHub } from '../channels/channel-hub.ts';
import { channelHistoryOf, type EndpointConfig, type GatewayConfig } from '../config/index.ts';
import type { Codec } from '../core/component.ts';
import { BucketRule } from '../core/token-bucket.ts';
import type { Quota } from '../core/units.ts';
import { makeComponent } from '../sdk/make.ts';
import type { Stats } from '../telemetry/stats.ts';
import { frameEncoder } from '../transports/websocket/framing.ts';
import { accessOf } from './access.ts';
import type { Authenticators } from './authenticators.ts';
import { channelsPresenceOf } from './channels-presence.ts';
import { componentContext } from './component-context.ts';
import { queryFacts } from './event-facts.ts';
import type { GatewayContext } from './gateway-context.ts';
import { recordKeyOf } from './record-key.ts';
import { replayLimits } from './replay.ts';

/** What an endpoint is made with, beside its settings. */
export interface EndpointMaking {
  readonly authenticators: Authenticators;
  /** The section `auth` that its entry is in. */
  readonly auth: GatewayConfig['auth'];
  readonly stats: Stats;
}

/**
 * Gets ready to make an endpoint. What it resolves with makes it, and cannot fail; only then is anything of the endpoint there.
 * Rejects where a component cannot be made.
 */
export async function endpointMaker(
  context: GatewayContext,
  name: string,
  endpoint: EndpointConfig,
  { authenticators, auth, stats }: EndpointMaking,
): Promise<() => Endpoint> {
  const { codec } = endpoint;
  const replay = replayLimits(endpoint);
  const made = makeComponent(codec.spec, codec.config, componentContext(context, `endpoints.${name}.codec`));
  const room = await roomOf(context, name, endpoint, made, stats);
  const topicService = await topicServiceOf(context, name, endpoint);
  return () =>
    new Endpoint({
      name,
      isOutputOnly: endpoint.direction === 'out',
      codec: made,
      ...endpointChanges(context, name, endpoint, { authenticators, auth }),
      ...room,
      ...(topicService === undefined ? {} : { topics: topicService() }),
      ...channelsOf(context, name, endpoint, stats),
      ...(replay === undefined ? {} : { replay }),
      encode: frameEncoder(endpoint.compression),
      memory: context.memory,
      clock: context.clock,
      newId: context.newId,
      logger: context.scoped('endpoint', { endpoint: name }),
      stats,
      tracing: context.tracing,
      propagation: context.propagation,
      baggage: context.baggage,
    });
}

/** What changes of an endpoint while its clients stay connected. */
export function endpointChanges(
  context: GatewayContext,
  name: string,
  endpoint: EndpointConfig,
  { authenticators, auth: entries }: Omit<EndpointMaking, 'stats'>,
): EndpointChanges {
  const { in_flight, slow_consumer } = endpoint;
  const auth = authOf(endpoint, entries);
  return {
    ...accessOf(name, endpoint, authenticators),
    limits: {
      messages: in_flight.messages,
      bytes: in_flight.bytes,
      queue: slow_consumer.queue,
      whenFull: slow_consumer.when_full,
    },
    keyOf: recordKeyOf(slow_consumer, context.scoped('endpoint', { endpoint: name })),
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
    takesSubscriptions: (endpoint.allow?.subscribe.length ?? 0) > 0,
    takesPublications: (endpoint.allow?.publish.length ?? 0) > 0,
    closed: (id, connection, code, reason) => {
      if (!context.events.has('ws-close')) return;
      const query = queryFacts(connection.query, auth);
      context.events.emit('ws-close', { ...connection, query, id }, { code, reason });
    },
  };
}

async function roomOf(
  context: GatewayContext,
  name: string,
  endpoint: EndpointConfig,
  { membership }: Codec,
  stats: Stats,
): Promise<Pick<EndpointOptions, 'room'>> {
  const { presence } = endpoint;
  if (presence === undefined || membership === undefined) return {};
  const { createRoom } = await import('./endpoint-room.ts');
  return { room: createRoom(context, name, presence, membership, stats) };
}

async function topicServiceOf(
  context: GatewayContext,
  name: string,
  endpoint: EndpointConfig,
): Promise<(() => TopicClients) | undefined> {
  if (endpoint.codec.spec.servesTopics !== true) return undefined;
  const { createTopicService } = await import('./topic-clients.ts');
  return () => createTopicService(context, name, endpoint);
}

function channelsOf(
  context: GatewayContext,
  name: string,
  { channels }: EndpointConfig,
  stats: Stats,
): Pick<EndpointOptions, 'channels'> {
  if (channels === undefined) return {};
  const kept = channelHistoryOf(channels);
  const options = {
    endpoint: name,
    maxPerConnection: channels.max_per_connection,
    presence: channels.presence && channelsPresenceOf(context, name, channels.presence, stats),
    stats,
    clock: context.clock,
    history: kept && { ...kept, recover: channels.recover },
  };
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
