import { randomUUID } from 'node:crypto';
import type { Audience } from './actors/audience/audience.ts';
import { GatewayLife, type StopReport } from './actors/gateway/gateway.ts';
import { MemoryBudget } from './actors/gateway/memory.ts';
import type { Listener } from './actors/listener/listener.ts';
import type { Pipeline } from './actors/pipeline/pipeline.ts';
import type { HealthSources } from './admin/health.ts';
import { type AdminServer, createAdminServer } from './admin/server.ts';
import { createAudiences } from './assembly/endpoints.ts';
import { createListeners, type GatewayState } from './assembly/listeners.ts';
import { createPipelines } from './assembly/pipelines.ts';
import { wantedTopics } from './assembly/wanted-topics.ts';
import { Workshop } from './assembly/workshop.ts';
import type { GatewayConfig, LoadedConfig } from './config/index.ts';
import { systemClock } from './core/clock.ts';
import type { Logger } from './telemetry/logger.ts';
import { startTelemetry } from './telemetry/start.ts';
import { createStats } from './telemetry/stats.ts';
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

/** Puts a gateway together. */
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
  return new AssembledGateway(new Workshop(config, logger, stats, telemetry));
}

/** All parts of a gateway; every name of the configuration has become an object. */
class AssembledGateway implements Gateway {
  private readonly workshop: Workshop;
  private readonly audiences: ReadonlyMap<string, Audience>;
  private readonly pipelines: ReadonlyMap<string, Pipeline>;
  private readonly listeners: readonly Listener[];
  private readonly life: GatewayLife;
  private readonly memory: MemoryBudget;
  private readonly admin: AdminServer;
  private adminPort = 0;

  constructor(workshop: Workshop) {
    const { config, log, link, stats, telemetry } = workshop;
    this.workshop = workshop;
    this.audiences = createAudiences(workshop);
    this.pipelines = createPipelines(workshop, this.audiences);
    this.listeners = createListeners(workshop, this.audiences, this.state());
    const audiences = [...this.audiences.values()];
    this.memory = new MemoryBudget(config.memory.limit, audiences, stats, workshop.scoped('memory'));
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
        wantedTopics: wantedTopics(config),
        logger: workshop.scoped('gateway'),
      },
      config.shutdown,
    );
    const { port, host } = config.admin;
    this.admin = createAdminServer({
      port,
      ...(host === undefined ? {} : { host }),
      ...this.state(),
      metrics: telemetry.metrics,
      logger: workshop.scoped('admin'),
    });
    stats.gauge('tidegate_info', { version: VERSION, driver: log.driver }, () => 1);
    stats.gauge('tidegate_group_consumers', {}, () => workshop.groups.all.reduce((sum, { size }) => sum + size, 0));
    stats.gauge('tidegate_memory_held_bytes', { kind: 'groups' }, () => workshop.groups.heldBytes);
    stats.gauge('tidegate_log_up', { driver: log.driver }, () => (link.isUp ? 1 : 0));
  }

  async start(): Promise<void> {
    const { logger, log, config } = this.workshop;
    logger.info({ driver: log.driver }, greeting(config));
    await this.orRelease(() => this.life.start());
    this.adminPort = await this.orRelease(() => this.admin.start());
    this.announce();
  }

  async stop(): Promise<StopReport> {
    const report = await this.life.stop();
    this.memory.close();
    await Promise.all([this.admin.stop(), this.workshop.telemetry.stop()]);
    return report;
  }

  ports() {
    return {
      admin: this.adminPort,
      listeners: Object.fromEntries(this.listeners.map(({ name, port }) => [name, port])),
    };
  }

  /** A start that fails leaves nothing behind: no port, no lock, no timer. */
  private async orRelease<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      await this.stop();
      throw error;
    }
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
    for (const [name, { listener, path, codec, web_client }] of Object.entries(config.endpoints)) {
      const port = this.listeners.find((one) => one.name === listener)?.port;
      const urls = path.map((one) => `ws://localhost:${port}${one === '*' ? '/ (and any other path)' : one}`);
      const speaks = `${urls.join(' and ')} ${urls.length === 1 ? 'speaks' : 'speak'} ${codec.spec.name}`;
      const page = web_client === undefined ? '' : `; a page for it is at http://localhost:${port}${web_client}`;
      logger.info({ endpoint: name }, `${speaks} (endpoint ${name})${page}`);
    }
    logger.info({}, `http://localhost:${this.adminPort} answers /health, /ready and /metrics`);
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
  const source = pipelines[name]?.source;
  return source?.spec.sharing(source.config) === 'shared';
}
