import { Audience, type AudienceOptions } from '../actors/audience/audience.ts';
import type { PresenceObserver } from '../actors/presence/port.ts';
import { Presence } from '../actors/presence/presence.ts';
import { TopicService } from '../actors/topic-service/topic-service.ts';
import type { EndpointConfig } from '../config/index.ts';
import { referencesOf } from '../config/references.ts';
import { makeComponent } from '../sdk/make.ts';
import { encodeFrame } from '../transports/websocket/framing.ts';
import { componentContext } from './context.ts';
import { replayLimits } from './replay.ts';
import type { Workshop } from './workshop.ts';

/** Milliseconds until every broker knows a topic that was just created; a log within this process knows it at once. */
const MISSING_PATIENCE = 5_000;

/** The audience of each endpoint, by name. */
export function createAudiences(workshop: Workshop): Map<string, Audience> {
  const audiences = new Map<string, Audience>();
  for (const [name, endpoint] of Object.entries(workshop.config.endpoints))
    audiences.set(name, createAudience(workshop, name, endpoint));
  return audiences;
}

function createAudience(workshop: Workshop, name: string, endpoint: EndpointConfig): Audience {
  const { codec, in_flight, slow_consumer } = endpoint;
  const replay = replayLimits(endpoint);
  return new Audience({
    name,
    isOutputOnly: endpoint.direction === 'out',
    codec: makeComponent(codec.spec, codec.config, componentContext(workshop, `endpoints.${name}.codec`)),
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
    ...room(workshop, name, endpoint),
    ...topicService(workshop, name, endpoint),
    ...(replay === undefined ? {} : { replay }),
    isRead: isRead(workshop, name),
    closed: (id, connection, code, reason) => {
      if (workshop.events.has('ws-close')) workshop.events.emit('ws-close', { ...connection, id }, { code, reason });
    },
    encode: encodeFrame,
    clock: workshop.clock,
    logger: workshop.scoped('endpoint', { endpoint: name }),
    stats: workshop.stats,
    tracing: workshop.telemetry.tracing,
  });
}

function isRead({ config }: Workshop, name: string): boolean {
  return Object.values(config.pipelines).some(({ source }) =>
    referencesOf(source).some((reference) => reference.to === 'endpoint' && reference.name === name),
  );
}

/** What makes the clients of an endpoint the members of a room. */
function room(workshop: Workshop, name: string, { presence, allow }: EndpointConfig): Pick<AudienceOptions, 'room'> {
  if (presence === undefined) return {};
  const { log, config, clock, stats } = workshop;
  const open = (observer: PresenceObserver) =>
    new Presence({
      endpoint: name,
      room: presence.topic,
      log,
      write: (topic) => workshop.topic(topic),
      lease: presence.lease,
      isAlone: config.log.driver === 'embedded',
      clock,
      logger: workshop.scoped('presence', { endpoint: name }),
      stats,
      observer,
    });
  return { room: { presence: open, allow: allow ?? { direct: 'nobody', kick: 'nobody' } } };
}

/** What the clients of an endpoint may do with topics by themselves. */
function topicService(
  workshop: Workshop,
  name: string,
  { codec, allow, topics }: EndpointConfig,
): Pick<AudienceOptions, 'topics'> {
  if (codec.spec.servesTopics !== true) return {};
  const { create = [], read = [], write = [], groups = [] } = allow ?? {};
  const service = new TopicService({
    log: workshop.log,
    groups: workshop.groups,
    topic: (topic) => workshop.openTopic(topic),
    opened: (topic) => workshop.topics.get(topic),
    patience: workshop.config.log.driver === 'embedded' ? 0 : MISSING_PATIENCE,
    allow: { create, read, write, groups },
    ownGroups: workshop.ownGroups,
    group: topics.group,
    from: topics.from,
    limits: { topics: topics.max_topics, creates: topics.creates_per_minute },
    inFlight: topics.in_flight,
    publish: topics.publish,
    notify: topics.notify,
    timing: { sessionTimeout: topics.session_timeout, commitInterval: topics.commit_interval },
    paused: topics.paused,
    clock: workshop.clock,
    logger: workshop.scoped('topics', { endpoint: name }),
  });
  return { topics: service };
}

function seconds(milliseconds: number): number {
  return Math.ceil(milliseconds / 1_000);
}
