import type { GatewayConfig } from '../config/index.ts';
import { ownEntry } from '../core/own-entry.ts';
import { VERSION } from '../version.ts';
import type { GatewayContext } from './gateway-context.ts';
import type { Servers } from './listener-set.ts';
import type { BoundPorts } from './snapshot.ts';

/** The first line of a gateway: which version, and on which log. */
export function greet({ config, log, logger }: GatewayContext): void {
  logger.info({ driver: log.driver }, `Tidegate ${VERSION} on ${placeOf(config)}`);
}

/** Says at which addresses the gateway is found, once its ports are bound. */
export function announce({ config, logger }: GatewayContext, ports: BoundPorts, servers: Servers): void {
  const { admin, connect, listeners } = ports;
  for (const [name, { listener, path, codec, web_client }] of Object.entries(config.endpoints)) {
    const isAttached = ownEntry(servers, listener) !== undefined;
    const place = isAttached ? "(the program's server)" : `localhost:${listeners[listener]}`;
    const hasTls = !isAttached && config.listeners[listener]?.tls !== undefined;
    const scheme = hasTls ? 'wss' : 'ws';
    const urls = path.map((one) => `${scheme}://${place}${one === '*' ? '/ (and any other path)' : one}`);
    const speaks = `${urls.join(' and ')} ${urls.length === 1 ? 'speaks' : 'speak'} ${codec.spec.name}`;
    const page =
      web_client === undefined || isAttached
        ? ''
        : `; a page for it is at ${hasTls ? 'https' : 'http'}://${place}${web_client}`;
    logger.info({ endpoint: name }, `${speaks} (endpoint ${name})${page}`);
  }
  const http = (tls: object | undefined) => (tls === undefined ? 'http' : 'https');
  if (connect !== 0)
    logger.info({}, `${http(config.connect?.tls)}://localhost:${connect} speaks the Kafka Connect REST API`);
  if (admin !== 0)
    logger.info({}, `${http(config.admin.tls)}://localhost:${admin} answers /health, /ready and /metrics`);
}

function placeOf({ log }: GatewayConfig): string {
  if (log.driver === 'kafkajs') return `Kafka at ${log.brokers.join(', ')}`;
  return log.embedded.memory ? 'the embedded log, in memory' : `the embedded log in ${log.embedded.path}`;
}
