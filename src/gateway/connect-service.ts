import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Pipeline } from '../actors/pipeline/pipeline.ts';
import { Callers } from '../admin/callers.ts';
import { Guard } from '../admin/guard.ts';
import { builtinRegistry } from '../config/builtins.ts';
import { Cipher } from '../connect/cluster/cipher.ts';
import { ConnectorCommands } from '../connect/cluster/commands.ts';
import type { Worker } from '../connect/cluster/config-records.ts';
import { Connectors } from '../connect/cluster/connectors.ts';
import { connectTopicNames, connectTopics } from '../connect/cluster/topics.ts';
import { ConnectorViews } from '../connect/cluster/views.ts';
import { connectorRoutes } from '../connect/rest/connector-routes.ts';
import { Cors } from '../connect/rest/cors.ts';
import { loggerRoutes, setLevel } from '../connect/rest/logger-routes.ts';
import { pluginRoutes } from '../connect/rest/plugin-routes.ts';
import { rootRoutes } from '../connect/rest/root-routes.ts';
import { ConnectServer } from '../connect/rest/server.ts';
import { type ConnectConfig, examine, type FlatConfig } from '../connect/settings/index.ts';
import type { Standalone } from '../connect/settings/standalone/standalone.ts';
import type { Authenticator } from '../core/identity.ts';
import { secretKeyOf } from '../core/secret-key.ts';
import { VERSION } from '../version.ts';
import type { GatewayContext } from './gateway-context.ts';
import { LocalLog } from './local-log.ts';
import { callTls, securePort } from './secure-port.ts';
import { beginTask } from './task-run.ts';

/** Milliseconds that callers wait while this gateway starts. A worker of Connect lets them wait for 90 s. */
const STARTUP_TIMEOUT = 20_000;

/** The connectors of a gateway and the API that manages them. */
export interface ConnectService {
  /** Why the connectors are not available yet; undefined if they are. */
  readonly notReadyReason: string | undefined;
  /** Messages whose outcome is not known. */
  readonly unsettled: number;
  /** Binds the port. Callers wait until the connectors are available, and get a 503 if that takes long. Rejects with TG_LISTEN_FAILED, TG_DATA_DIR_OWNED. */
  listen(): Promise<number>;
  /** Runs the connectors, whose topics exist by now. */
  start(): void;
  /** Answers no more calls, so nothing is changed any more. */
  stopListening(): Promise<void>;
  /** Settles what was read, and hands the connectors over to the other gateways. */
  drained(): Promise<void>;
  close(): Promise<void>;
}

export interface ConnectSetup {
  /** This gateway alone has the connectors, and keeps their offsets and statuses on this machine. */
  readonly standalone?: Standalone | undefined;
  /** Checks who the callers are; undefined where that is not asked. */
  readonly authenticator?: Authenticator | undefined;
}

export function createConnectService(
  context: GatewayContext,
  config: ConnectConfig,
  { standalone, authenticator }: ConnectSetup,
): ConnectService {
  const local = standalone === undefined ? undefined : new LocalLog(context, standalone.directory);
  const runs = new Set<Pipeline>();
  const me = new ThisWorker(config);
  const registry = builtinRegistry();
  const look = (settings: FlatConfig) =>
    examine(settings, { registry, defaults: config.defaults, internal: context.internalTopics });
  const { clock, stats, log } = context;
  const logger = context.scoped('connect');
  const connectors = new Connectors({
    ...{ clock, stats, me, levelSet: (name, level) => void setLevel(context.levels, name, level, clock.now()) },
    log: local?.log ?? log,
    dataAdmin: log.admin,
    port: (topic) => (local ?? context).topic(topic),
    initial: standalone?.connectors,
    prefix: config.topics,
    group: config.group,
    sessionTimeout: config.session_timeout,
    version: VERSION,
    examine: look,
    cipher: new Cipher(config.secret_key.flatMap((text) => secretKeyOf(text) ?? [])),
    run: (task) => beginTask(context, task, runs),
    logger,
  });
  const views = new ConnectorViews(connectors);
  const commands = new ConnectorCommands(connectors, views);
  const server = createServer(context, config, { connectors, views, commands, me, look, authenticator });
  return {
    get notReadyReason() {
      return connectors.notReadyReason;
    },
    get unsettled() {
      return [...runs].reduce((sum, { inFlight }) => sum + inFlight.size, 0);
    },
    listen: async () => {
      await local?.open(connectTopics(config.topics));
      if (local === undefined && config.secret_key.length === 0) logger.warn(...inTheClear(config));
      me.port = await server.start();
      return me.port;
    },
    start: () => connectors.start(),
    stopListening: () => server.stop(),
    drained: () => connectors.drained(),
    close: async () => {
      await connectors.close();
      await local?.close();
    },
  };
}

/** A standalone worker reads its secrets from files in the clear anyway. */
function inTheClear({ topics }: ConnectConfig) {
  const { configs } = connectTopicNames(topics);
  const what = 'the tokens and passwords of connectors, and the key by which gateways know each other,';
  return [
    { topic: configs },
    `connect.secret_key is not set: ${what} are kept in the clear in the topic ${configs}; set it, or make sure that only gateways may read that topic`,
  ] as const;
}

interface Served {
  readonly connectors: Connectors;
  readonly views: ConnectorViews;
  readonly commands: ConnectorCommands;
  readonly me: ThisWorker;
  readonly look: (settings: FlatConfig) => ReturnType<typeof examine>;
  readonly authenticator: Authenticator | undefined;
}

function createServer(
  context: GatewayContext,
  { port, host, allowed_hosts, access_control_allow_origin, access_control_allow_methods, tls }: ConnectConfig,
  { connectors, views, commands, me, look, authenticator }: Served,
): ConnectServer {
  const { clock, stats, log } = context;
  const now = () => clock.now();
  const cors = new Cors(access_control_allow_origin, access_control_allow_methods);
  stats.counter('tidegate_connect_requests_total', { code: '200', forwarded: 'false' });
  return new ConnectServer({
    port,
    host,
    tls: securePort(context, 'connect', tls),
    callTls: () => tls && callTls(tls),
    cors,
    callers: new Callers({
      section: 'connect',
      allowedHosts: allowed_hosts,
      allowsOrigin: (origin) => cors.allows(origin),
      ownHosts: () => [host, hostname(), new URL(me.url).hostname],
      clock,
      logger: context.scoped('connect'),
    }),
    guard: new Guard('connect', authenticator, 'everyone'),
    routes: [
      ...rootRoutes({
        version: VERSION,
        clusterId: () => log.admin.clusterId(),
        notReadyReason: () => connectors.notReadyReason,
      }),
      ...connectorRoutes({
        views,
        commands,
        url: () => me.url,
        notReadyReason: () => connectors.notReadyAfter(STARTUP_TIMEOUT),
      }),
      ...pluginRoutes({ examine: look, version: VERSION }),
      ...loggerRoutes({
        levels: context.levels,
        setEverywhere: (name, level) => connectors.store.writeLevel(name, level),
        now,
      }),
    ],
    sessionKey: () => connectors.store.configs.sessionKey,
    isThere: (worker) => connectors.ownership.isMember(worker),
    answered: (status, isForwarded) => {
      const labels = { code: String(status), forwarded: String(isForwarded) };
      stats.counter('tidegate_connect_requests_total', labels).value += 1;
    },
    now,
    stats,
    logger: context.scoped('connect'),
  });
}

/** This gateway, whose address is known once its port is bound. */
class ThisWorker implements Worker {
  readonly id = randomUUID();
  port = 0;
  private readonly config: ConnectConfig;

  constructor(config: ConnectConfig) {
    this.config = config;
  }

  get url(): string {
    const { advertised, host, tls } = this.config;
    if (advertised !== '') return advertised.replace(/\/$/, '');
    const isAny = host === '' || host === '0.0.0.0' || host === '::';
    return `${tls === undefined ? 'http' : 'https'}://${isAny ? hostname() : host.includes(':') ? `[${host}]` : host}:${this.port}`;
  }
}
