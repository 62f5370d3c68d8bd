import { formatProblem } from '../config/index.ts';
import { TidegateError } from '../core/errors.ts';
import { Gateway as RunnableGateway } from '../gateway/gateway.ts';
import { createLogger, type Logger } from '../telemetry/logger.ts';
import type { Gateway } from './gateway.ts';
import type { GatewayOptions } from './options.ts';
import { ProgramGateway } from './program-gateway.ts';
import { readConfig, readServers } from './read-options.ts';

/**
 * Makes a gateway; `start` is up to you. Rejects with a `ConfigError` that lists every mistake of the configuration, or
 * with another `TidegateError` (TG_CONFIG_UNREADABLE, TG_CONFIG_INVALID). What is doubtful is logged as a warning.
 *
 * ```js
 * const gateway = await createGateway({
 *   config: {
 *     log: { driver: 'kafkajs', brokers: ['localhost:9092'] },
 *     listeners: { public: { port: 9090 } },
 *     endpoints: { orders: { listener: 'public', path: '/orders', codec: 'json' } },
 *     pipelines: { 'orders-in': { source: { endpoint: 'orders' }, sink: { topic: { name: 'orders' } } } },
 *   },
 * });
 * gateway.on('ws-connection', ({ id }) => console.log(`${id} came`));
 * await gateway.start();
 * ```
 */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  refuseOthers(options);
  const logger = loggerOf(options);
  const loaded = await readConfig(options);
  const { config, warnings, standalone } = loaded;
  const servers = readServers(options, Object.keys(config.listeners));
  for (const warning of warnings) if (warning.severity === 'warning') logger.warn({}, formatProblem(warning));
  const read = isFile(options) ? () => readConfig(options) : undefined;
  const gateway = await RunnableGateway.create(config, { logger, servers, standalone, loaded, read });
  const readOther = (other: GatewayOptions['config']) => readConfig({ ...options, config: other } as GatewayOptions);
  return new ProgramGateway(gateway, read, standalone === undefined ? readOther : undefined);
}

/** Whether there is something that can be read again. */
function isFile({ config }: GatewayOptions): boolean {
  return typeof config === 'object' && 'file' in config && typeof config.file === 'string';
}

/** Not every program is type-checked. */
function refuseOthers(options: unknown): void {
  if (typeof options !== 'object' || options === null)
    throw new TidegateError('TG_CONFIG_INVALID', 'createGateway takes an object: { config: ... }');
  const { config = {} } = options as { config?: unknown };
  if (typeof config !== 'string' && (typeof config !== 'object' || config === null))
    throw new TidegateError('TG_CONFIG_INVALID', 'config is an object, YAML as text, or { file: path }');
}

/** A library is quiet: what the program asks for, or warnings and errors, and never on standard output. */
function loggerOf({ logger = 'warn' }: GatewayOptions): Logger {
  if (typeof logger !== 'string') return logger;
  return createLogger({ level: logger, debug: process.env.DEBUG ?? '', destination: process.stderr });
}
