import { Child, modulePath } from '../child.ts';
import type { Load } from './source.ts';

/** What is measured: a gateway in one process, its clients in another. */
export interface Rig {
  readonly gateway: Child;
  readonly clients: Child;
  readonly port: number;
  stop(): Promise<void>;
}

const COMMON = {
  log: { driver: 'embedded', embedded: { memory: true } },
  admin: { enabled: false },
  shutdown: { jitter: '0s', timeout: '1s' },
  listeners: { public: { port: 0, host: '127.0.0.1' } },
};

const ENDPOINT = {
  ...{ listener: 'public', path: '/ws', codec: 'json', direction: 'out', max_connections: 20_000 },
  // Has room for what the bench sends before it waits for the clients.
  slow_consumer: { queue: '8MiB' },
};

const CHANNELS = { channels: { max_per_connection: 100_000 }, allow: { subscribe: 'c.*' } };

/** Records of the bench's own source, to the channel that is their key. */
export const TO_CHANNELS = {
  ...COMMON,
  endpoints: { prices: { ...ENDPOINT, ...CHANNELS } },
  pipelines: { out: { source: { bench: {} }, sink: { endpoint: { name: 'prices', channel: '${! key }' } } } },
};

/** The same records, to all clients of an endpoint without channels. */
export const TO_ALL = {
  ...COMMON,
  endpoints: { prices: ENDPOINT },
  pipelines: { out: { source: { bench: {} }, sink: { endpoint: 'prices' } } },
};

/** `build`: folder of the compiled bench, that of an older version or this one. */
export async function startRig(config: object, build?: string): Promise<Rig> {
  const path = build === undefined ? modulePath('channels/gateway-child') : `${build}/channels/gateway-child.js`;
  const gateway = new Child(path, { execArgv: ['--expose-gc'] });
  const clients = new Child(modulePath('channels/sockets-client'));
  await Promise.all([gateway.ready(), clients.ready()]);
  const port = await gateway.ask<number>('start', config);
  return {
    gateway,
    clients,
    port,
    stop: async () => {
      await Promise.all([gateway.stop('SIGKILL'), clients.stop('SIGKILL')]);
    },
  };
}

export interface Cost {
  /** Microseconds of the gateway's CPU for one record that reaches one client. */
  readonly cpu: number;
  readonly perSecond: number;
}

/**
 * Sends a load of which each record reaches `listeners` clients, and waits until they have all of it. `atOnce`: records that are
 * sent before the clients are waited for, so that none is taken for a slow one.
 */
export async function costOf({ gateway, clients }: Rig, load: Load, listeners: number, atOnce: number): Promise<Cost> {
  const deliveries = load.records * listeners;
  await clients.ask('begin');
  const [cpu, from] = [await gateway.ask<number>('cpu'), performance.now()];
  for (let sent = 0; sent < load.records; ) {
    const records = Math.min(atOnce, load.records - sent);
    sent += records;
    await Promise.all([gateway.ask('run', { ...load, records }), clients.ask('until', sent * listeners)]);
  }
  const [used, took] = [(await gateway.ask<number>('cpu')) - cpu, performance.now() - from];
  return { cpu: used / deliveries, perSecond: (deliveries * 1_000) / took };
}
