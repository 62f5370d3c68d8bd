import { hostname } from 'node:os';
import { Callers } from '../admin/callers.ts';
import { Guard } from '../admin/guard.ts';
import type { HealthSources } from '../admin/health.ts';
import type { ReloadPort } from '../admin/reload.ts';
import { type AdminServer, createAdminServer } from '../admin/server.ts';
import type { LoadedConfig } from '../config/index.ts';
import type { Standalone } from '../connect/settings/standalone/standalone.ts';
import type { Authenticator } from '../core/identity.ts';
import type { Logger } from '../telemetry/logger.ts';
import { Authenticators } from './authenticators.ts';
import type { ConnectService } from './connect-service.ts';
import { EndpointSet } from './endpoint-set.ts';
import type { GatewayContext, Surroundings } from './gateway-context.ts';
import { GoneTopics } from './gone-topics.ts';
import { ListenerContext } from './listener-context.ts';
import { ListenerSet, type Servers } from './listener-set.ts';
import { MemoryBudget } from './memory.ts';
import type { PipelineSet } from './pipeline-set.ts';
import { createPipelines } from './pipelines.ts';
import { type LoadedParts, Reloads } from './reload/reloads.ts';
import { securePort } from './secure-port.ts';
import { GatewayStatus } from './status.ts';
import { TopicPreparation, wantedTopics } from './topic-preparation.ts';

/** What a gateway is made with, beside its configuration. */
export interface GatewaySetup extends Surroundings {
  readonly logger: Logger;
  /** Servers that take the place of listeners, by name; the others are bound to ports. */
  readonly servers: Servers;
  /** What checks who clients are, in place of the entries of those names in the section `auth`. */
  readonly authenticators?: ReadonlyMap<string, Authenticator>;
  /** What the configuration was made of; it is needed to say what a reload changes. */
  readonly loaded?: LoadedParts | undefined;
  /** Reads the configuration again, for those who ask by the admin port; undefined where there is nothing to be read. */
  readonly read?: (() => Promise<LoadedConfig>) | undefined;
  /** Connectors of this gateway alone, for a configuration with `connect`. */
  readonly standalone?: Standalone | undefined;
}

/** What a gateway is made of, beside its context. */
export interface GatewayParts {
  readonly servers: Servers;
  readonly authenticators: Authenticators;
  readonly endpoints: Pick<
    EndpointSet,
    'byName' | 'all' | 'begin' | 'namesLeaving' | 'prepare' | 'add' | 'update' | 'letLeave' | 'left'
  >;
  readonly pipelines: PipelineSet;
  readonly connect?: ConnectService | undefined;
  readonly preparation: TopicPreparation;
  readonly status: GatewayStatus;
  readonly listeners: Pick<ListenerSet, 'all' | 'open' | 'prepare' | 'become' | 'route' | 'drain' | 'close'>;
  readonly admin?: AdminServer | undefined;
  readonly memory: MemoryBudget;
  readonly goneTopics: GoneTopics;
  readonly reloads: Reloads;
}

/**
 * Makes all parts, each after those that it needs; every name of the configuration has become an object then. Modules that
 * few configurations need, such as those of connectors and rooms, are loaded only for these.
 */
export async function makeParts(context: GatewayContext, setup: GatewaySetup): Promise<GatewayParts> {
  const { servers, standalone } = setup;
  const { config, log, stats } = context;
  const authenticators = await Authenticators.create(context, setup.authenticators);
  const endpoints = await EndpointSet.create(context, authenticators);
  const pipelines = createPipelines(context, endpoints.byName);
  const connect = await connectService(context, standalone, authenticators);
  const wanted = wantedTopics(config, standalone !== undefined);
  for (const { name } of wanted) context.reading.expect(name);
  const preparation = new TopicPreparation(log, wanted, context.scoped('gateway'), context.clock);
  const status = new GatewayStatus(context, { endpoints, pipelines, preparation, connect });
  const listeners = new ListenerSet(new ListenerContext(context, endpoints, status), servers);
  const reloads = new Reloads({
    context,
    parts: { authenticators, endpoints, pipelines, listeners, preparation },
    phase: status.phase,
    loaded: setup.loaded,
    isFlowing: () => status.isFlowing,
  });
  return {
    servers,
    authenticators,
    endpoints,
    pipelines,
    connect,
    preparation,
    status,
    listeners,
    admin: createAdminPort(context, status, authenticators, pipelines, reloadPort(reloads, setup.read)),
    memory: new MemoryBudget(context.memory, endpoints, stats, context.scoped('memory'), context.clock),
    goneTopics: new GoneTopics(context),
    reloads,
  };
}

async function connectService(
  context: GatewayContext,
  standalone: Standalone | undefined,
  authenticators: Authenticators,
): Promise<ConnectService | undefined> {
  const { connect } = context.config;
  if (connect === undefined) return undefined;
  const { createConnectService } = await import('./connect-service.ts');
  return createConnectService(context, connect, { standalone, authenticator: authenticators.of(connect.auth) });
}

/** What the admin port has of reloads. */
function reloadPort(reloads: Reloads, read: GatewaySetup['read']): ReloadPort {
  return {
    status: () => ({ generation: reloads.generation, reloads: reloads.reports }),
    reload: read && (() => reloads.run('request', read)),
  };
}

/** The port for health, readiness and metrics; undefined where the configuration has none. */
function createAdminPort(
  context: GatewayContext,
  status: HealthSources,
  authenticators: Authenticators,
  pipelines: PipelineSet,
  reloads: ReloadPort,
): AdminServer | undefined {
  const { telemetry, stats, clock } = context;
  const { enabled, port, host, tls } = context.config.admin;
  if (!enabled) return undefined;
  const logger = context.scoped('admin');
  return createAdminServer({
    port,
    ...(host === undefined ? {} : { host }),
    health: () => status.health(),
    ready: () => status.ready(),
    metrics: telemetry.metrics,
    stats,
    tls: securePort(context, 'admin', tls),
    callers: new Callers({
      section: 'admin',
      get allowedHosts() {
        return context.config.admin.allowed_hosts;
      },
      ownHosts: () => [host ?? '', hostname()],
      clock,
      logger,
    }),
    taps: { pipelines: () => pipelines.all, clock },
    // Both may change while the port is open.
    get guard() {
      return new Guard('admin', authenticators.of(context.config.admin.auth), 'loopback');
    },
    reloads,
    logger,
  });
}
