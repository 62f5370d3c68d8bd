import type { TestContext } from 'node:test';
import {
  type ConfigObject,
  createGateway,
  type Gateway,
  type GatewayEventName,
  type GatewayEvents,
  type RunOptions,
} from '../../../src/index.ts';
import { until } from '../../helpers/gateway-process.ts';

/** Everything of a gateway that a test does not care about. */
export const MEMORY: ConfigObject = {
  log: { driver: 'embedded', embedded: { memory: true } },
  shutdown: { jitter: '0s' },
};

/** Clients of the topic protocol at any path of a free port. */
export const TOPICS: ConfigObject = {
  ...MEMORY,
  listeners: { public: { port: 0 } },
  endpoints: {
    topics: {
      listener: 'public',
      path: '*',
      codec: 'topics',
      allow: { create: '*', read: '*', write: '*', groups: '*' },
    },
  },
};

/** A gateway that is stopped when the test ends. Silent, unless the test brings a logger. */
export async function gatewayOf(t: TestContext, config: ConfigObject, options: RunOptions = {}): Promise<Gateway> {
  const gateway = await createGateway({ config, logger: 'silent', ...options });
  t.after(() => gateway.stop());
  return gateway;
}

/** Starts a gateway, and waits until its pipelines run. */
export async function ready(gateway: Gateway): Promise<void> {
  await gateway.start();
  await until(
    () => gateway.inspect().ready,
    10_000,
    () => gateway.inspect().reasons.join(', '),
  );
}

/** What the listeners of the next event of that name get that fits. */
export function next<Name extends GatewayEventName>(
  gateway: Gateway,
  name: Name,
  fits: (...facts: GatewayEvents[Name]) => boolean = () => true,
): Promise<GatewayEvents[Name]> {
  return new Promise((resolve) => {
    const listener = (...facts: GatewayEvents[Name]) => {
      if (!fits(...facts)) return;
      gateway.off(name, listener);
      resolve(facts);
    };
    gateway.on(name, listener);
  });
}
