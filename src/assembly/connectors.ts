import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { ConnectorCommands } from '../actors/connectors/commands.ts';
import type { Worker } from '../actors/connectors/config-records.ts';
import { Connectors } from '../actors/connectors/connectors.ts';
import { connectTopics } from '../actors/connectors/topics.ts';
import { ConnectorViews } from '../actors/connectors/views.ts';
import type { ConnectorsPart } from '../actors/gateway/parts.ts';
import type { Pipeline } from '../actors/pipeline/pipeline.ts';
import { connectorRoutes } from '../admin/connect/connector-routes.ts';
import { loggerRoutes, setLevel } from '../admin/connect/logger-routes.ts';
import { pluginRoutes } from '../admin/connect/plugin-routes.ts';
import { rootRoutes } from '../admin/connect/root-routes.ts';
import { ConnectServer } from '../admin/connect/server.ts';
import { builtinRegistry } from '../config/builtins.ts';
import { type ConnectConfig, examine, type FlatConfig } from '../config/connect/index.ts';
import type { Standalone } from '../config/index.ts';
import { VERSION } from '../version.ts';
import { LocalLog } from './local-log.ts';
import { beginTask } from './task-run.ts';
import type { Workshop } from './workshop.ts';

/** Milliseconds that callers wait while this gateway starts. A worker of Connect lets them wait for 90 s. */
const STARTUP_PATIENCE = 20_000;

/** The connectors of a gateway and the API that manages them. */
export interface ConnectService {
  readonly part: ConnectorsPart;
  readonly commands: ConnectorCommands;
  /** Binds the port; callers wait until the connectors are known, and are told that it is starting where that takes long. Rejects with TG_LISTEN_FAILED, TG_DATA_DIR_OWNED. */
  start(): Promise<number>;
  stop(): Promise<void>;
}

/** `standalone`: the connectors are this gateway's alone, and what they remember is kept on this machine. */
export function createConnectService(
  workshop: Workshop,
  config: ConnectConfig,
  standalone?: Standalone,
): ConnectService {
  const local = standalone === undefined ? undefined : new LocalLog(workshop, standalone.directory);
  const runs = new Set<Pipeline>();
  const me = new ThisWorker(config);
  const registry = builtinRegistry();
  const look = (settings: FlatConfig) => examine(settings, { registry, defaults: config.defaults });
  const { clock, stats, log } = workshop;
  const connectors = new Connectors({
    ...{ clock, stats, me, levelSet: (name, level) => void setLevel(workshop.levels, name, level, clock.now()) },
    log: local?.log ?? log,
    dataAdmin: log.admin,
    port: (topic) => (local ?? workshop).topic(topic),
    initial: standalone?.connectors,
    prefix: config.topics,
    group: config.group,
    sessionTimeout: config.session_timeout,
    version: VERSION,
    examine: look,
    run: (order) => beginTask(workshop, order, runs),
    logger: workshop.scoped('connect'),
  });
  const views = new ConnectorViews(connectors);
  const commands = new ConnectorCommands(connectors, views);
  const server = createServer(workshop, config, { connectors, views, commands, me, look });
  return {
    commands,
    part: partOf(connectors, local, runs),
    start: async () => {
      await local?.open(connectTopics(config.topics));
      me.port = await server.start();
      return me.port;
    },
    stop: () => server.stop(),
  };
}

interface Served {
  readonly connectors: Connectors;
  readonly views: ConnectorViews;
  readonly commands: ConnectorCommands;
  readonly me: ThisWorker;
  readonly look: (settings: FlatConfig) => ReturnType<typeof examine>;
}

function createServer(
  workshop: Workshop,
  { port, host }: ConnectConfig,
  { connectors, views, commands, me, look }: Served,
): ConnectServer {
  const { clock, stats, log } = workshop;
  const now = () => clock.now();
  return new ConnectServer({
    port,
    host,
    routes: [
      ...rootRoutes({ version: VERSION, clusterId: () => log.admin.clusterId(), trouble: () => connectors.trouble }),
      ...connectorRoutes({
        views,
        commands,
        url: () => me.url,
        trouble: () => connectors.troubleAfter(STARTUP_PATIENCE),
      }),
      ...pluginRoutes({ examine: look, version: VERSION }),
      ...loggerRoutes({
        levels: workshop.levels,
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
    logger: workshop.scoped('connect'),
  });
}

/** The connectors as the gateway starts, drains and closes them. */
function partOf(connectors: Connectors, local: LocalLog | undefined, runs: ReadonlySet<Pipeline>): ConnectorsPart {
  return {
    start: () => connectors.start(),
    drained: () => connectors.drained(),
    close: async () => {
      await connectors.close();
      await local?.close();
    },
    get trouble() {
      return connectors.trouble;
    },
    get unsettled() {
      return [...runs].reduce((sum, { flight }) => sum + flight.size, 0);
    },
  };
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
    const { advertised, host } = this.config;
    if (advertised !== '') return advertised.replace(/\/$/, '');
    const isAny = host === '' || host === '0.0.0.0' || host === '::';
    return `http://${isAny ? hostname() : host.includes(':') ? `[${host}]` : host}:${this.port}`;
  }
}
