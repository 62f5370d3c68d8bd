import { hostname } from 'node:os';
import type { Endpoint } from '../actors/endpoint/endpoint.ts';
import type { Listener } from '../actors/listener/listener.ts';
import { Callers } from '../admin/callers.ts';
import { Guard } from '../admin/guard.ts';
import type { HealthSources } from '../admin/health.ts';
import { type AdminServer, createAdminServer } from '../admin/server.ts';
import type { Standalone } from '../connect/settings/standalone/standalone.ts';
import type { Authenticator } from '../core/identity.ts';
import type { Logger } from '../telemetry/logger.ts';
import { Authenticators } from './authenticators.ts';
import type { ConnectService } from './connect-service.ts';
import { createEndpoints } from './endpoints.ts';
import type { GatewayContext, Surroundings } from './gateway-context.ts';
import { GoneTopics } from './gone-topics.ts';
import { createListeners, type Servers } from './listeners.ts';
import { MemoryBudget } from './memory.ts';
import type { PipelineSet } from './pipeline-set.ts';
import { createPipelines } from './pipelines.ts';
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
  /** Connectors of this gateway alone, for a configuration with `connect`. */
  readonly standalone?: Standalone | undefined;
}

/** What a gateway is made of, beside its context. */
export interface GatewayParts {
  readonly servers: Servers;
  readonly authenticators: Authenticators;
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly pipelines: PipelineSet;
  readonly connect?: ConnectService | undefined;
  readonly preparation: TopicPreparation;
  readonly status: GatewayStatus;
  readonly listeners: readonly Listener[];
  readonly admin?: AdminServer | undefined;
  readonly memory: MemoryBudget;
  readonly goneTopics: GoneTopics;
}

/**
 * Makes all parts, each after those that it needs; every name of the configuration has become an object then. Modules that
 * few configurations need, such as those of connectors and rooms, are loaded only for these.
 */
export async function makeParts(context: GatewayContext, setup: GatewaySetup): Promise<GatewayParts> {
  const { servers, standalone } = setup;
  const { config, log, stats } = context;
  const authenticators = await Authenticators.create(context, setup.authenticators);
  const endpoints = await createEndpoints(context, authenticators);
  const pipelines = createPipelines(context, endpoints);
  const connect = await connectService(context, standalone, authenticators);
  const wanted = wantedTopics(config, standalone !== undefined);
  for (const { name } of wanted) context.reading.expect(name);
  const preparation = new TopicPreparation(log, wanted, context.scoped('gateway'), context.clock);
  const status = new GatewayStatus(context, { endpoints, pipelines, preparation, connect });
  return {
    servers,
    authenticators,
    endpoints,
    pipelines,
    connect,
    preparation,
    status,
    listeners: createListeners(context, endpoints, status, servers),
    admin: createAdminPort(context, status, authenticators),
    memory: new MemoryBudget(context.memory, [...endpoints.values()], stats, context.scoped('memory'), context.clock),
    goneTopics: new GoneTopics(context),
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

/** The port for health, readiness and metrics; undefined where the configuration has none. */
function createAdminPort(
  context: GatewayContext,
  status: HealthSources,
  authenticators: Authenticators,
): AdminServer | undefined {
  const { config, telemetry, stats, clock } = context;
  const { enabled, port, host, allowed_hosts, auth, tls } = config.admin;
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
      allowedHosts: allowed_hosts,
      ownHosts: () => [host ?? '', hostname()],
      clock,
      logger,
    }),
    guard: new Guard('admin', authenticators.of(auth), 'loopback'),
    logger,
  });
}
