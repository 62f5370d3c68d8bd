import { randomUUID } from 'node:crypto';
import type { Audience } from './actors/audience/audience.ts';
import { GatewayLife } from './actors/gateway/gateway.ts';
import { MemoryBudget } from './actors/gateway/memory.ts';
import type { StopReport } from './actors/gateway/stop-report.ts';
import type { Listener } from './actors/listener/listener.ts';
import type { Pipeline } from './actors/pipeline/pipeline.ts';
import type { HealthSources } from './admin/health.ts';
import { type AdminServer, createAdminServer } from './admin/server.ts';
import type { BoundPorts } from './assembly/bound-ports.ts';
import { type ConnectService, createConnectService } from './assembly/connectors.ts';
import { createAudiences } from './assembly/endpoints.ts';
import type { EventHub } from './assembly/events.ts';
import { GoneTopics } from './assembly/gone-topics.ts';
import { inspect } from './assembly/inspection.ts';
import { createListeners, type GatewayState, type Servers } from './assembly/listeners.ts';
import { createPipelines } from './assembly/pipelines.ts';
import { Readiness } from './assembly/readiness.ts';
import type { GatewaySnapshot } from './assembly/snapshot.ts';
import { wantedTopics } from './assembly/wanted-topics.ts';
import { Workshop } from './assembly/workshop.ts';
import type { GatewayConfig, Standalone } from './config/index.ts';
import { systemClock } from './core/clock.ts';
import { TidegateError } from './core/errors.ts';
import { ownEntry } from './core/own-entry.ts';
import type { Logger } from './telemetry/logger.ts';
import { startTelemetry } from './telemetry/start.ts';
import { createStats } from './telemetry/stats.ts';
import { portOf } from './transports/websocket/attached.ts';
import { VERSION } from './version.ts';

export interface AssemblyOptions {
  readonly logger: Logger;
  /** Servers that stand for listeners, by name; the others are bound to ports. */
  readonly servers: Servers;
  /** Connectors of this gateway alone, for a configuration with `connect`. */
  readonly standalone?: Standalone | undefined;
}

/** Puts a gateway together from a configuration without mistakes. */
export async function assembleGateway(
  config: GatewayConfig,
  { logger, servers, standalone }: AssemblyOptions,
): Promise<AssembledGateway> {
  const stats = createStats();
  const telemetry = await startTelemetry({
    tracing: {
      exporter: config.tracing.exporter,
      endpoint: config.tracing.endpoint,
      sample: config.tracing.sample,
      maxPerSecond: config.tracing.max_per_second,
      batches: config.tracing.batches,
      handshakes: config.tracing.handshakes,
    },
    service: { name: config.tracing.service_name, version: VERSION, instance: randomUUID() },
    stats,
    isScraped: config.admin.enabled,
    logger: logger.child({ scope: 'telemetry' }),
    clock: systemClock,
  });
  return new AssembledGateway(new Workshop(config, logger, stats, telemetry), servers, standalone);
}

/** All parts of a gateway; every name of the configuration has become an object. */
export class AssembledGateway {
  readonly workshop: Workshop;
  private readonly servers: Servers;
  private readonly audiences: ReadonlyMap<string, Audience>;
  private readonly pipelines: ReadonlyMap<string, Pipeline>;
  private readonly listeners: readonly Listener[];
  private readonly life: GatewayLife;
  private readonly memory: MemoryBudget;
  private readonly goneTopics: GoneTopics;
  private readonly readiness: Readiness;
  private readonly admin: AdminServer | undefined;
  private readonly connect: ConnectService | undefined;
  private adminPort = 0;
  private connectPort = 0;
  private starting: Promise<void> | undefined;
  private stopping: Promise<StopReport> | undefined;
  private releasing: Promise<StopReport> | undefined;

  constructor(workshop: Workshop, servers: Servers, standalone?: Standalone) {
    const { config, log, link, stats } = workshop;
    this.workshop = workshop;
    this.servers = servers;
    this.audiences = createAudiences(workshop);
    this.pipelines = createPipelines(workshop, this.audiences);
    this.listeners = createListeners(workshop, this.audiences, this.state(), servers);
    const audiences = [...this.audiences.values()];
    this.memory = new MemoryBudget(config.memory.limit, audiences, stats, workshop.scoped('memory'));
    this.goneTopics = new GoneTopics(workshop);
    const wanted = wantedTopics(config, standalone !== undefined);
    for (const { name } of wanted) workshop.expectReading(name);
    this.connect =
      config.connect === undefined ? undefined : createConnectService(workshop, config.connect, standalone);
    this.life = new GatewayLife(
      {
        log,
        link,
        listeners: this.listeners,
        audiences,
        groups: workshop.groups,
        pipelines: [...this.pipelines.values()],
        groupPipelines: [...this.pipelines.values()].filter(({ name }) => isGroup(config, name)),
        topics: workshop.topics,
        wantedTopics: wanted,
        connectors: this.connect?.part,
        logger: workshop.scoped('gateway'),
      },
      config.shutdown,
    );
    this.readiness = this.watchReadiness();
    this.admin = this.openAdmin();
    stats.gauge('tidegate_info', { version: VERSION, driver: log.driver }, () => 1);
    stats.gauge('tidegate_log_up', { driver: log.driver }, () => (link.isUp ? 1 : 0));
  }

  get events(): EventHub {
    return this.workshop.events;
  }

  get phase(): 'created' | 'started' | 'stopped' {
    if (this.stopping !== undefined || this.releasing !== undefined) return 'stopped';
    return this.starting === undefined ? 'created' : 'started';
  }

  /** Resolves once the topics of the configuration exist; with false where the gateway stops before, or they cannot be made. */
  get prepared(): Promise<boolean> {
    return this.life.prepared;
  }

  /** Resolves when the gateway is ready for the first time; rejects with the reason where it fails or stops before. */
  ready(): Promise<void> {
    return this.readiness.wait();
  }

  /** Resolves when the gateway cannot do its work until a person changes something. */
  get failed(): Promise<TidegateError> {
    return this.life.failed;
  }

  /** Resolves when every port is bound; the log may come later. Rejects with a `stop` error, and is no good then. */
  start(): Promise<void> {
    if (this.stopping !== undefined) {
      const why = 'the gateway was stopped, and does not start again; create another one';
      return Promise.reject(new TidegateError('TG_NOT_RUNNING', why));
    }
    this.starting ??= this.open();
    return this.starting;
  }

  /** Drains, then closes everything, within `shutdown.timeout`. */
  stop(): Promise<StopReport> {
    this.stopping ??= this.close();
    return this.stopping;
  }

  ports(): BoundPorts {
    const ports = this.listeners.map(({ name, port }) => {
      const server = ownEntry(this.servers, name);
      return [name, server === undefined ? port : portOf(server)] as const;
    });
    return { admin: this.adminPort, connect: this.connectPort, listeners: Object.fromEntries(ports) };
  }

  inspect(): GatewaySnapshot {
    return inspect({
      workshop: this.workshop,
      life: this.life,
      listeners: this.listeners,
      audiences: [...this.audiences.values()],
      pipelines: [...this.pipelines.values()],
      ports: this.ports().listeners,
      isAttached: (name) => ownEntry(this.servers, name) !== undefined,
    });
  }

  private async open(): Promise<void> {
    const { logger, log, config, events } = this.workshop;
    logger.info({ driver: log.driver }, greeting(config));
    try {
      // Connectors are told of by the address of their API.
      this.connectPort = (await this.connect?.start()) ?? 0;
      await this.life.start();
      events.emit('wss-ready', this.ports().listeners);
      this.adminPort = (await this.admin?.start()) ?? 0;
    } catch (error) {
      this.readiness.end(error);
      // A start that fails leaves nothing behind: no port, no lock, no timer.
      await this.release();
      throw error;
    }
    this.goneTopics.start();
    this.announce();
    this.readiness.begin();
  }

  /** What is half open is opened first: closing would miss the rest. */
  private async close(): Promise<StopReport> {
    await this.starting?.catch(() => {});
    return await this.release();
  }

  private release(): Promise<StopReport> {
    this.releasing ??= this.drainAndRelease();
    return this.releasing;
  }

  private async drainAndRelease(): Promise<StopReport> {
    this.readiness.end();
    this.goneTopics.stop();
    // Nothing is changed any more.
    await this.connect?.stop();
    const report = await this.life.stop();
    this.memory.close();
    await Promise.all([this.admin?.stop(), this.workshop.telemetry.stop()]);
    return report;
  }

  private watchReadiness(): Readiness {
    const { events } = this.workshop;
    const pipelines = [...this.pipelines.values()];
    const readiness = new Readiness({
      reasons: () => this.life.troubles,
      failure: () => pipelines.find(({ finalFailure }) => finalFailure !== undefined)?.finalFailure,
      reached: () => events.emit('ready'),
    });
    void this.failed.then((failure) => readiness.end(failure));
    return readiness;
  }

  private openAdmin(): AdminServer | undefined {
    const { config, telemetry } = this.workshop;
    const { enabled, port, host } = config.admin;
    if (!enabled) return undefined;
    return createAdminServer({
      port,
      ...(host === undefined ? {} : { host }),
      ...this.state(),
      metrics: telemetry.metrics,
      logger: this.workshop.scoped('admin'),
    });
  }

  /** Asked once everything is there. */
  private state(): GatewayState & HealthSources {
    const { log, link } = this.workshop;
    const isStopping = () => this.life.isStopping;
    return {
      get isStopping() {
        return isStopping();
      },
      health: () => ({
        version: VERSION,
        driver: log.driver,
        log: link.isUp ? 'up' : 'down',
        connections: [...this.audiences.values()].reduce((sum, { size }) => sum + size, 0),
      }),
      ready: () => ({ driver: log.driver, reasons: this.life.troubles }),
    };
  }

  private announce(): void {
    const { config, logger } = this.workshop;
    const { admin, connect, listeners } = this.ports();
    for (const [name, { listener, path, codec, web_client }] of Object.entries(config.endpoints)) {
      const isAttached = ownEntry(this.servers, listener) !== undefined;
      const place = isAttached ? "(the program's server)" : `localhost:${listeners[listener]}`;
      const urls = path.map((one) => `ws://${place}${one === '*' ? '/ (and any other path)' : one}`);
      const speaks = `${urls.join(' and ')} ${urls.length === 1 ? 'speaks' : 'speak'} ${codec.spec.name}`;
      const page = web_client === undefined || isAttached ? '' : `; a page for it is at http://${place}${web_client}`;
      logger.info({ endpoint: name }, `${speaks} (endpoint ${name})${page}`);
    }
    if (connect !== 0) logger.info({}, `http://localhost:${connect} speaks the Kafka Connect REST API`);
    if (admin !== 0) logger.info({}, `http://localhost:${admin} answers /health, /ready and /metrics`);
  }
}

function greeting({ log }: GatewayConfig): string {
  const where =
    log.driver === 'kafkajs'
      ? `Kafka at ${log.brokers.join(', ')}`
      : log.embedded.memory
        ? 'the embedded log, in memory'
        : `the embedded log in ${log.embedded.path}`;
  return `Tidegate ${VERSION} on ${where}`;
}

function isGroup({ pipelines }: GatewayConfig, name: string): boolean {
  const source = ownEntry(pipelines, name)?.source;
  return source?.spec.sharing(source.config) === 'shared';
}
