import { connect as connectTcp } from 'node:net';
import type { ISocketFactory, ISocketFactoryArgs } from 'kafkajs';
import loggers from 'kafkajs/src/loggers/index.js';
import { TidegateError } from '../../../core/errors.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import { saslOf } from '../sasl/sasl.ts';
import { readBroker } from './broker-address.ts';
import { repairRequestTimer } from './request-timer.ts';
import { boundResponses } from './response-bounds.ts';
import type { KafkaSettings } from './schema.ts';
import { connectByTls, tlsReader } from './tls.ts';

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

/** Throws TG_CONFIG_INVALID where a certificate cannot be read or a broker is not a host:port. */
export function createClient(options: ClientOptions): Client {
  repairRequestTimer();
  boundResponses();
  const readTls = tlsReader(options.ssl ?? false);
  return {
    brokers: options.brokers.map(parseBroker),
    clientId: options.clientId,
    ssl: readTls?.() ?? null,
    sasl: saslOf(options.sasl),
    socketFactory: (place) => createSocket(place, readTls),
    kafkajsLogger: bridge(options.logger.child({ library: 'kafkajs' })),
    logger: options.logger,
  };
}

function parseBroker(text: string): Client['brokers'][number] {
  const broker = readBroker(text);
  if (typeof broker === 'string') throw new TidegateError('TG_CONFIG_INVALID', `log.brokers: ${broker}`);
  return { host: broker.host, port: broker.port };
}

/** TCP_NODELAY, which kafkajs never sets: without it small requests wait for the previous one's TCP ack. */
function createSocket({ host, port, onConnect }: ISocketFactoryArgs, readTls: ReturnType<typeof tlsReader>) {
  const socket =
    readTls === undefined ? connectTcp({ host, port }, onConnect) : connectByTls(host, port, readTls(), onConnect);
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
