import { randomUUID } from 'node:crypto';
import { Audience, type AudienceOptions } from './actors/audience/audience.ts';
import { type ReplayLimits, replayStart } from './actors/audience/history.ts';
import { ConsumerGroup } from './actors/consumer-group/consumer-group.ts';
import { Groups } from './actors/consumer-group/groups.ts';
import { GatewayLife, type StopReport } from './actors/gateway/gateway.ts';
import { MemoryBudget } from './actors/gateway/memory.ts';
import type { GatewayParts } from './actors/gateway/parts.ts';
import { Listener } from './actors/listener/listener.ts';
import { LogLink } from './actors/log-link/log-link.ts';
import { type PipelineFigures, pipelineFigures } from './actors/pipeline/figures.ts';
import { Pipeline } from './actors/pipeline/pipeline.ts';
import type { PresenceObserver } from './actors/presence/port.ts';
import { Presence } from './actors/presence/presence.ts';
import { presenceTopics } from './actors/presence/topics.ts';
import { Subscription } from './actors/subscription.ts';
import { Topic } from './actors/topic/topic.ts';
import { TopicService } from './actors/topic-service/topic-service.ts';
import { createHealthHandler, type HealthSources } from './admin/health.ts';
import { createPageHandler } from './admin/pages.ts';
import { type AdminServer, createAdminServer } from './admin/server.ts';
import {
  type EndpointConfig,
  endpointsOf,
  type GatewayConfig,
  type LoadedConfig,
  type PipelineConfig,
} from './config/index.ts';
import type { Batch } from './core/batch.ts';
import { systemClock } from './core/clock.ts';
import type { Source } from './core/component.ts';
import { TidegateError } from './core/errors.ts';
import type { Log, StartPosition } from './core/log.ts';
import { DeadLetters } from './pipelines/dead-letter.ts';
import type { Rescue } from './pipelines/flight.ts';
import { skipping } from './pipelines/skip.ts';
import { compileStages } from './pipelines/stages.ts';
import type { ComponentContext, GatewayPorts, SubscribeOptions } from './sdk/context.ts';
import type { Logger } from './telemetry/logger.ts';
import { startTelemetry, type Telemetry } from './telemetry/start.ts';
import { createStats, type Stats } from './telemetry/stats.ts';
import { createEmbeddedLog } from './transports/embedded/index.ts';
import { createKafkaLog } from './transports/kafka/index.ts';
import { encodeFrame } from './transports/websocket/framing.ts';
import { parseRoute } from './transports/websocket/route.ts';
import { type EndpointDoor, WebSocketListener } from './transports/websocket/server.ts';
import { VERSION } from './version.ts';

export interface GatewayOptions {
  readonly logger: Logger;
}

/** A gateway that is ready to start. */
export interface Gateway {
  /** Resolves when every port is bound; the log may come later. Rejects with a `stop` error. */
  start(): Promise<void>;
  /** Drains, then closes everything, within `shutdown.timeout`. */
  stop(): Promise<StopReport>;
  /** Bound ports by name of the listener, and of the admin server. Meaningful once started. */
  ports(): { readonly admin: number; readonly listeners: Readonly<Record<string, number>> };
}

/** Seconds after which a client may try again that came while the log was away. */
const RETRY_AFTER = 5;

/** Puts a gateway together: the only place that knows all parts. */
export async function createGateway(
  { config }: Pick<LoadedConfig, 'config'>,
  { logger }: GatewayOptions,
): Promise<Gateway> {
  const stats = createStats();
  const telemetry = await startTelemetry({
    tracing: {
      exporter: config.tracing.exporter,
      endpoint: config.tracing.endpoint,
      sample: config.tracing.sample,
      maxPerSecond: config.tracing.max_per_second,
    },
    service: { name: config.tracing.service_name, version: VERSION, instance: randomUUID() },
    stats,
    logger: logger.child({ scope: 'telemetry' }),
    clock: systemClock,
  });
  const assembly = new Assembly(config, logger, stats, telemetry);
  return assembly.gateway();
}

/** The parts while they are being put together; every name of the configuration becomes an object once. */
class Assembly {
  private readonly config: GatewayConfig;
  private readonly logger: Logger;
  private readonly stats: Stats;
  private readonly telemetry: Telemetry;
  private readonly log: Log;
  private readonly link: LogLink;
  private readonly groups: Groups;
  private readonly audiences: ReadonlyMap<string, Audience>;
  private readonly topics = new Map<string, Topic>();
  private readonly pipelines: ReadonlyMap<string, Pipeline>;
  private readonly listeners: readonly Listener[];
  private readonly life: GatewayLife;
  private readonly memory: MemoryBudget;

  constructor(config: GatewayConfig, logger: Logger, stats: Stats, telemetry: Telemetry) {
    this.config = config;
    this.logger = logger;
    this.stats = stats;
    this.telemetry = telemetry;
    this.log = createLog(config, logger.child({ scope: 'log' }), stats);
    this.link = new LogLink(this.log, logger.child({ scope: 'log' }));
    this.groups = new Groups({
      log: this.log,
      logger: logger.child({ scope: 'groups' }),
      clock: systemClock,
      polled: (batch, group) => this.polled(batch, group),
    });
    this.audiences = new Map(
      Object.entries(config.endpoints).map(([name, endpoint]) => [name, this.audience(name, endpoint)]),
    );
    this.pipelines = new Map(
      Object.entries(config.pipelines).map(([name, pipeline]) => [name, this.pipeline(name, pipeline)]),
    );
    this.listeners = Object.keys(config.listeners).map((name) => this.listener(name));
    this.memory = new MemoryBudget(
      config.memory.limit,
      [...this.audiences.values()],
      stats,
      logger.child({ scope: 'memory' }),
    );
    this.life = new GatewayLife(this.parts(), config.shutdown);
    stats.gauge('tidegate_info', { version: VERSION, driver: this.log.driver }, () => 1);
    stats.gauge('tidegate_log_up', { driver: this.log.driver }, () => (this.link.isUp ? 1 : 0));
  }

  gateway(): Gateway {
    const { port, host } = this.config.admin;
    const admin = createAdminServer({
      port,
      ...(host === undefined ? {} : { host }),
      ...this.healthSources(),
      metrics: this.telemetry.metrics,
      logger: this.logger.child({ scope: 'admin' }),
    });
    let adminPort = 0;
    return {
      start: async () => {
        this.logger.info({ driver: this.log.driver }, this.greeting());
        await this.orRelease(admin, () => this.life.start());
        adminPort = await this.orRelease(admin, () => admin.start());
        this.announce(adminPort);
      },
      stop: async () => {
        const report = await this.life.stop();
        this.memory.close();
        await Promise.all([admin.stop(), this.telemetry.stop()]);
        return report;
      },
      ports: () => ({
        admin: adminPort,
        listeners: Object.fromEntries(this.listeners.map(({ name, port }) => [name, port])),
      }),
    };
  }

  /** A start that fails leaves nothing behind: no port, no lock, no timer. */
  private async orRelease<T>(admin: AdminServer, step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      this.memory.close();
      await Promise.all([this.life.stop(), admin.stop(), this.telemetry.stop()]);
      throw error;
    }
  }

  private greeting(): string {
    const { log } = this.config;
    const where =
      log.driver === 'kafkajs'
        ? `Kafka at ${log.brokers.join(', ')}`
        : log.embedded.memory
          ? 'the embedded log, in memory'
          : `the embedded log in ${log.embedded.path}`;
    return `Tidegate ${VERSION} on ${where}`;
  }

  private announce(adminPort: number): void {
    for (const [name, endpoint] of Object.entries(this.config.endpoints)) {
      const port = this.listeners.find((listener) => listener.name === endpoint.listener)?.port;
      const urls = endpoint.path
        .map((path) => `ws://localhost:${port}${path === '*' ? '/ (and any other path)' : path}`)
        .join(' and ');
      const page =
        endpoint.web_client === undefined ? '' : `; a page for it is at http://localhost:${port}${endpoint.web_client}`;
      this.logger.info(
        { endpoint: name },
        `${urls} ${endpoint.path.length === 1 ? 'speaks' : 'speak'} ${endpoint.codec.spec.name} (endpoint ${name})${page}`,
      );
    }
    this.logger.info({}, `http://localhost:${adminPort} answers /health, /ready and /metrics`);
  }

  private healthSources(): HealthSources {
    return {
      health: () => ({
        version: VERSION,
        driver: this.log.driver,
        log: this.link.isUp ? 'up' : 'down',
        connections: sizeOf([...this.audiences.values()]),
      }),
      ready: () => ({ driver: this.log.driver, reasons: this.life.troubles }),
    };
  }

  private parts(): GatewayParts {
    const isGroup = ([name]: [string, Pipeline]) => {
      const source = this.config.pipelines[name]?.source;
      return source?.spec.sharing(source.config) === 'shared';
    };
    return {
      log: this.log,
      link: this.link,
      listeners: this.listeners,
      audiences: [...this.audiences.values()],
      groups: this.groups,
      pipelines: [...this.pipelines.values()],
      groupPipelines: [...this.pipelines].filter(isGroup).map(([, pipeline]) => pipeline),
      topics: this.topics,
      wantedTopics: this.wantedTopics(),
      logger: this.logger.child({ scope: 'gateway' }),
    };
  }

  /** Topics that are listed, and those that a pipeline names without listing them. */
  private wantedTopics(): GatewayParts['wantedTopics'] {
    const listed = Object.entries(this.config.log.topics).map(([name, topic]) => ({ ...topic, name }));
    const named = Object.values(this.config.pipelines).flatMap(({ source, sink, on_error }) => [
      ...[source, sink]
        .flatMap(({ spec, config }) => spec.references?.(config) ?? [])
        .flatMap(({ to, name }) => (to === 'topic' ? [name] : [])),
      ...(on_error.dead_letter === undefined ? [] : [on_error.dead_letter]),
    ]);
    const rooms = Object.values(this.config.endpoints).flatMap(({ presence }) => presence?.topic ?? []);
    const unlisted = [...new Set([...named, ...rooms])].filter((name) => this.config.log.topics[name] === undefined);
    return [
      ...listed,
      ...unlisted.map((name) => ({ name, create: true })),
      ...[...new Set(rooms)].flatMap((room) => presenceTopics(room).map((topic) => ({ ...topic, create: true }))),
    ];
  }

  private audience(name: string, endpoint: EndpointConfig): Audience {
    const seconds = (milliseconds: number) => Math.ceil(milliseconds / 1_000);
    return new Audience({
      name,
      codec: endpoint.codec.spec.create(endpoint.codec.config, this.context(`endpoints.${name}.codec`)),
      limits: {
        messages: endpoint.in_flight.messages,
        bytes: endpoint.in_flight.bytes,
        queue: endpoint.slow_consumer.queue,
        whenFull: endpoint.slow_consumer.when_full,
      },
      sweep: {
        pingInterval: seconds(endpoint.ping.interval),
        pingTimeout: seconds(endpoint.ping.timeout),
        frameTimeout: seconds(endpoint.frame_timeout),
        stallTimeout: seconds(endpoint.stall_timeout),
      },
      ...this.room(name, endpoint),
      ...this.topicService(name, endpoint),
      ...(hasReplay(endpoint) ? { replay: replayLimits(endpoint.replay) } : {}),
      encode: encodeFrame,
      clock: systemClock,
      logger: this.logger.child({ scope: 'endpoint', endpoint: name }),
      stats: this.stats,
      tracing: this.telemetry.tracing,
    });
  }

  /** What the clients of an endpoint may do with topics by themselves. */
  private topicService(name: string, { codec, allow, topics }: EndpointConfig): Pick<AudienceOptions, 'topics'> {
    if (codec.spec.servesTopics !== true || topics === undefined) return {};
    const { create = [], read = [], write = [], groups = [] } = allow ?? {};
    const service = new TopicService({
      log: this.log,
      groups: this.groups,
      topic: (topic) => this.topic(topic),
      allow: { create, read, write, groups },
      group: topics.group,
      from: topics.from,
      limits: { topics: topics.max_topics, creates: topics.creates_per_minute },
      publish: topics.publish,
      notify: topics.notify,
      paused: topics.paused,
      clock: systemClock,
      logger: this.logger.child({ scope: 'topics', endpoint: name }),
    });
    return { topics: service };
  }

  /** What makes the clients of an endpoint the members of a room. */
  private room(name: string, { presence, allow }: EndpointConfig): Pick<AudienceOptions, 'room'> {
    if (presence === undefined) return {};
    const open = (observer: PresenceObserver) =>
      new Presence({
        endpoint: name,
        room: presence.topic,
        log: this.log,
        write: (topic) => this.topic(topic),
        lease: presence.lease,
        isAlone: this.config.log.driver === 'embedded',
        clock: systemClock,
        logger: this.logger.child({ scope: 'presence', endpoint: name }),
        stats: this.stats,
        observer,
      });
    return { room: { presence: open, allow: allow ?? { direct: 'nobody', kick: 'nobody' } } };
  }

  private listener(name: string): Listener {
    const { port, host } = this.config.listeners[name] as GatewayConfig['listeners'][string];
    const logger = this.logger.child({ scope: 'listener' });
    const audiences = [...this.audiences.values()].filter(
      ({ name: endpoint }) => this.config.endpoints[endpoint]?.listener === name,
    );
    const { health, ready } = this.healthSources();
    const answers = [
      createHealthHandler({ health: () => ({ ...health(), ...this.portFacts(audiences) }), ready }, logger),
      createPageHandler(this.pages(name)),
    ];
    const server = new WebSocketListener({
      name,
      port,
      host,
      doors: audiences.map((audience) => this.door(audience)),
      onRequest: (request, response) => answers.some((answer) => answer(request, response)),
    });
    return new Listener(name, server, logger);
  }

  /** Two of the facts that rooms have always told at their own port, in their words. */
  private portFacts(audiences: readonly Audience[]) {
    return { clients: sizeOf(audiences), kafka: this.link.isUp ? 'connected' : 'disconnected' };
  }

  /** Pages for browsers by path. */
  private pages(listener: string): Map<string, 'rooms' | 'chat'> {
    const pages = new Map<string, 'rooms' | 'chat'>();
    for (const endpoint of Object.values(this.config.endpoints)) {
      const { page } = endpoint.codec.spec;
      if (endpoint.listener === listener && endpoint.web_client !== undefined && page !== undefined)
        pages.set(endpoint.web_client, page);
    }
    return pages;
  }

  private door(audience: Audience): EndpointDoor {
    const { name } = audience;
    const endpoint = this.config.endpoints[name] as EndpointConfig;
    const trace = (request: Parameters<EndpointDoor['accept']>[1]) =>
      this.telemetry.tracing.handshake({ ...request, route: endpoint.path.join(' '), endpoint: name });
    return {
      name,
      routes: endpoint.path.map(parseRoute),
      origins: endpoint.origins,
      maxPayload: endpoint.max_payload,
      refusal: () => {
        if (this.life.isStopping)
          return { status: 503, reason: 'stopping', message: 'the gateway is stopping', retryAfter: 1 };
        if (!this.link.isUp)
          return {
            status: 503,
            reason: 'log_down',
            message: 'the log cannot be reached at the moment',
            retryAfter: RETRY_AFTER,
          };
        if (audience.size < endpoint.max_connections) return undefined;
        return {
          status: 503,
          reason: 'full',
          message: `endpoints.${name}.max_connections is reached`,
          retryAfter: RETRY_AFTER,
        };
      },
      refused: (request, refusal) => {
        this.stats.counter('tidegate_connections_refused_total', { endpoint: name, reason: refusal.reason }).value += 1;
        trace(request)?.end(refusal.status);
      },
      accept: (socket, request) => {
        const handshake = trace(request);
        handshake?.end(101);
        audience.join(socket, request, handshake);
      },
    };
  }

  private pipeline(name: string, spec: PipelineConfig): Pipeline {
    const path = `pipelines.${name}`;
    const figures = pipelineFigures(this.stats, name);
    const logger = this.logger.child({ scope: 'pipeline', pipeline: name });
    const { source, sink, on_error, batch, in_flight } = spec;
    return new Pipeline({
      name,
      source: source.spec.create(source.config, this.context(`${path}.source`, this.replayOf(name, spec))),
      sink: sink.spec.create(sink.config, this.context(`${path}.sink`)),
      stages: compileStages(spec.processors, (index) => this.context(`${path}.processors[${index}]`)),
      batch,
      inFlight: in_flight,
      retries: on_error.retries,
      backoff: on_error.backoff,
      rescue: this.rescue(name, on_error, figures, logger),
      stopsOnFailure: source.spec.sharing(source.config) === 'shared' && !on_error.skip,
      clock: systemClock,
      logger,
      tracing: this.telemetry.tracing,
      figures,
    });
  }

  /** Messages that failed for good become dead letters where there is a topic for them, else they are passed over where that is said. */
  private rescue(
    name: string,
    { dead_letter, skip }: PipelineConfig['on_error'],
    figures: PipelineFigures,
    logger: Logger,
  ): Rescue {
    const lastResort: Rescue = skip
      ? skipping(({ topic, partition, offset }, { code, message }) => {
          figures.skipped.value += 1;
          logger.warn({ topic, partition, offset, code }, `passed over ${topic}/${partition}/${offset}: ${message}`);
        })
      : () => false;
    if (dead_letter === undefined) return lastResort;
    const written = () => {
      figures.deadLetters.value += 1;
    };
    const letters = new DeadLetters(this.topic(dead_letter), name, written, lastResort);
    return (message, failure) => letters.take(message, failure);
  }

  private topic(name: string): Topic {
    const known = this.topics.get(name);
    if (known !== undefined) return known;
    const topic = new Topic({
      name,
      log: this.log,
      logger: this.logger.child({ scope: 'lane' }),
      stats: this.stats,
      tracing: this.telemetry.tracing,
    });
    this.topics.set(name, topic);
    return topic;
  }

  private subscribe({ topics, from, group }: SubscribeOptions, replay: Replay | undefined): Source {
    const logger = this.logger.child({ scope: 'consumer' });
    const common = { log: this.log, topics, logger, polled: (batch: Batch) => this.polled(batch, group) };
    if (group === undefined)
      return new Subscription({
        ...common,
        from: replay?.from() ?? from,
        ...(replay === undefined ? {} : { caughtUp: replay.isRead }),
      });
    return new ConsumerGroup({ ...common, group, from: from === 'earliest' ? 'earliest' : 'latest' });
  }

  private polled(batch: Batch, group: string | undefined): void {
    const topic = batch.messages[0]?.topic ?? '';
    this.stats.counter('tidegate_records_consumed_total', { topic }).value += batch.length;
    this.telemetry.tracing.polled(batch, topic, group);
  }

  /** For a pipeline whose clients get something of the past when they come. */
  private replayOf(name: string, { sink }: PipelineConfig): Replay | undefined {
    const [endpoint] = endpointsOf(sink);
    const audience = endpoint === undefined ? undefined : this.audiences.get(endpoint);
    const config = endpoint === undefined ? undefined : this.config.endpoints[endpoint];
    if (audience === undefined || config === undefined || !hasReplay(config)) return undefined;
    return {
      from: () => {
        audience.historyBegins();
        return replayStart(replayLimits(config.replay), systemClock.now());
      },
      isRead: () => {
        this.pipelines
          .get(name)
          ?.settled()
          .then(() => audience.historyIsRead())
          .catch((error: unknown) => this.logger.error({ error }, 'what clients get of the past could not be kept'));
      },
    };
  }

  private context(path: string, replay?: Replay): ComponentContext {
    const gateway: GatewayPorts = {
      endpoint: (name) => this.named(this.audiences.get(name), path, `there is no endpoint ${name}`),
      topic: (name) => this.topic(name),
      subscribe: (options) => this.subscribe(options, replay),
    };
    return {
      path,
      logger: this.logger.child({ scope: 'component', component: path }),
      stats: this.stats,
      clock: systemClock,
      gateway,
    };
  }

  private named<T>(found: T | undefined, path: string, problem: string): T {
    if (found === undefined) throw new TidegateError('TG_CONFIG_INVALID', `${path}: ${problem}`);
    return found;
  }
}

/** How the past of a topic gets to an endpoint's clients. */
interface Replay {
  /** Where to begin reading; asked once by each source that does. */
  from(): StartPosition;
  /** The source has read what was there when it began. */
  isRead(): void;
}

type ReplayConfig = NonNullable<EndpointConfig['replay']>;

function hasReplay(endpoint: EndpointConfig): endpoint is EndpointConfig & { readonly replay: ReplayConfig } {
  return endpoint.replay !== undefined && endpoint.replay.last !== 0;
}

function replayLimits({ last, since, offsets, bytes }: ReplayConfig): ReplayLimits {
  if (last !== undefined) return { last, bytes };
  if (since === undefined) return { from: { offsets: offsets ?? {} }, bytes };
  return 'age' in since ? { age: since.age, bytes } : { from: { timestamp: since.moment }, bytes };
}

function sizeOf(audiences: readonly Audience[]): number {
  return audiences.reduce((sum, { size }) => sum + size, 0);
}

function createLog({ log }: GatewayConfig, logger: Logger, stats: Stats): Log {
  if (log.driver === 'embedded') return createEmbeddedLog({ ...log.embedded, logger, stats, clock: systemClock });
  return createKafkaLog({ ...log, logger, stats, clock: systemClock });
}
