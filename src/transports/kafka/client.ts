import { readFileSync } from 'node:fs';
import { connect as connectTcp, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ISocketFactory, ISocketFactoryArgs } from 'kafkajs';
import loggers from 'kafkajs/src/loggers/index.js';
import { asTidegateError, TidegateError } from '../../core/errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { readBroker } from './broker-address.ts';
import { repairRequestTimer } from './request-timer.ts';
import type { KafkaSettings } from './schema.ts';

const KEEP_ALIVE = 60_000;

/** What every connection to Kafka is made with. */
export interface Client {
  /** Bootstrap brokers. */
  readonly brokers: readonly { readonly host: string; readonly port: number }[];
  readonly clientId: string;
  readonly ssl: object | null;
  readonly sasl: object | null;
  readonly socketFactory: ISocketFactory;
  /** A logger in the form of kafkajs. */
  readonly kafkajsLogger: object;
  readonly logger: Logger;
}

export interface ClientOptions {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly ssl?: KafkaSettings['ssl'];
  readonly sasl?: KafkaSettings['sasl'];
  readonly logger: Logger;
}

/** Throws TG_CONFIG_INVALID where a certificate cannot be read or a broker is no host:port. */
export function createClient(options: ClientOptions): Client {
  repairRequestTimer();
  return {
    brokers: options.brokers.map(parseBroker),
    clientId: options.clientId,
    ssl: tlsOptions(options.ssl ?? false),
    sasl: options.sasl ?? null,
    socketFactory: createSocket,
    kafkajsLogger: bridge(options.logger.child({ library: 'kafkajs' })),
    logger: options.logger,
  };
}

function parseBroker(text: string): Client['brokers'][number] {
  const broker = readBroker(text);
  if (typeof broker === 'string') throw new TidegateError('TG_CONFIG_INVALID', `log.brokers: ${broker}`);
  return { host: broker.host, port: broker.port };
}

/** TLS options for Node, with the files read; null without TLS. */
function tlsOptions(ssl: KafkaSettings['ssl']): object | null {
  if (ssl === false) return null;
  if (ssl === true) return {};
  const file = (path: string | undefined) => {
    try {
      return path === undefined ? undefined : readFileSync(path);
    } catch (error) {
      throw asTidegateError(error, 'TG_CONFIG_INVALID', 'log.ssl');
    }
  };
  return {
    ca: file(ssl.ca),
    cert: file(ssl.cert),
    key: file(ssl.key),
    ...(ssl.servername === undefined ? {} : { servername: ssl.servername }),
    rejectUnauthorized: ssl.reject_unauthorized,
  };
}

/** TCP_NODELAY, which kafkajs never sets: without it small requests wait for the previous one's TCP ack. */
function createSocket({ host, port, ssl, onConnect }: ISocketFactoryArgs) {
  const socket = ssl
    ? connectTls({ host, port, ...(isIP(host) ? {} : { servername: host }), ...ssl }, onConnect)
    : connectTcp({ host, port }, onConnect);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE);
  return socket;
}

/** kafkajs reports what it retries as errors; what matters is reported by this driver in its own words. */
function bridge(logger: Logger): object {
  return loggers.createLogger({
    level: loggers.LEVELS.WARN,
    logCreator:
      () =>
      ({ namespace, log: { message, ...facts } }) =>
        logger.debug({ namespace, ...facts }, message),
  });
}
