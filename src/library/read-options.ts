import { EventEmitter } from 'node:events';
import { type LoadedConfig, loadConfig } from '../config/index.ts';
import type { S2Options } from '../config/schema/s2.ts';
import type { Standalone } from '../connect/settings/standalone/standalone.ts';
import { TidegateError } from '../core/errors.ts';
import type { ProgramServer } from '../transports/websocket/attached.ts';
import type { ConfigObject, GatewayOptions } from './options.ts';

/** The name of the listener and of the endpoint that S2's sections make. */
const S2_NAME = 'topics';
/** S2's own. */
const S2_PORT = 8_085;
/** kafka-node's own, where `groupId` is left out. */
const S2_GROUP = 'kafka-node-group';

type Servers = Readonly<Record<string, ProgramServer>>;

/** Throws what `loadConfig` does. */
export async function readConfig(options: GatewayOptions): Promise<LoadedConfig & { standalone?: Standalone }> {
  const { config = {}, s2, server, standalone } = options;
  if (typeof config === 'string') return await loadConfig({ text: config, name: 'configuration' });
  if ('file' in config && typeof config.file === 'string') return await loadConfig(config.file);
  const { admin = { enabled: false }, ...others } = config as ConfigObject;
  if (standalone !== undefined) {
    const { loadStandalone } = await import('../connect/settings/standalone/standalone.ts');
    return await loadStandalone(standalone, plain({ admin, ...others }));
  }
  const settings = { admin, ...(s2 === undefined ? others : withS2(others, s2)) };
  return await loadConfig(plain(withoutPorts(settings, server)));
}

/** Which server takes the place of which listener. Throws TG_CONFIG_INVALID if that is not clear. */
export function readServers({ server }: GatewayOptions, listeners: readonly string[]): Servers {
  if (server === undefined) return {};
  const [only] = listeners;
  if (isServer(server)) {
    if (only !== undefined && listeners.length === 1) return { [only]: server };
    const there = listeners.length === 0 ? 'no listener' : `the listeners ${listeners.join(', ')}`;
    throw invalid(`server: the configuration has ${there}; name the one whose place it takes: { name: server }`);
  }
  const unknown = Object.keys(server).filter((name) => !listeners.includes(name));
  if (unknown.length > 0) throw invalid(`server: there is no listener ${unknown.join(', ')} in the configuration`);
  return server;
}

/** What S2 did: one endpoint, everything allowed, never on the embedded log by accident. */
function withS2(config: ConfigObject, s2: S2Options): ConfigObject {
  const { log = { driver: 'kafkajs' }, listeners, endpoints, ...others } = config;
  return {
    ...others,
    log,
    listeners: { [S2_NAME]: { port: S2_PORT }, ...listeners },
    endpoints: {
      [S2_NAME]: {
        listener: S2_NAME,
        path: '*',
        codec: 'topics',
        allow: { create: '*', read: '*', write: '*', groups: '*' },
        topics: { group: S2_GROUP },
        s2,
      },
      ...endpoints,
    },
  };
}

/** A listener whose place a server of the program takes needs no port. */
function withoutPorts(config: ConfigObject, server: GatewayOptions['server']): ConfigObject {
  const { listeners } = config;
  if (server === undefined || typeof listeners !== 'object' || listeners === null) return config;
  const names = new Set(Object.keys(isServer(server) ? listeners : server));
  const attached = Object.entries(listeners).map(([name, listener]) => {
    return [name, names.has(name) ? { port: 0, ...listener } : listener];
  });
  return { ...config, listeners: Object.fromEntries(attached) };
}

function plain(config: object): object {
  try {
    return structuredClone(config);
  } catch (error) {
    throw new TidegateError(
      'TG_CONFIG_INVALID',
      `a configuration is plain data: ${(error as Error).message}; servers go into the option server`,
      error,
    );
  }
}

function isServer(server: NonNullable<GatewayOptions['server']>): server is ProgramServer {
  return server instanceof EventEmitter;
}

function invalid(message: string): TidegateError {
  return new TidegateError('TG_CONFIG_INVALID', message);
}
