import Broker from 'kafkajs/src/broker/index.js';
import ConnectionPool from 'kafkajs/src/network/connectionPool.js';
import apiKeys from 'kafkajs/src/protocol/requests/apiKeys.js';
import protocol from 'kafkajs/src/protocol/requests/index.js';
import { TidegateError } from '../../../core/errors.ts';
import { explainAuthentication } from '../sasl/sasl.ts';
import { kafkaCode } from '../wire/protocol-errors.ts';
import type { Client } from './client.ts';

const CONNECT_TIMEOUT = 5_000;
/** The last part of a session (KIP-368) in which a connection authenticates anew before it sends anything else. */
const LAST_PART = 0.15;

/** A response as the broker gave it, without kafkajs throwing the first error in it. */
export const AS_ANSWERED = true;

const PREFIX = 'Connection error: ';
/** What kafkajs says where a broker ends a connection. */
const CLOSED = 'Closed connection';

/**
 * The sockets to one broker: one for fetches, one for all else. Used until its first failure and never again, because
 * kafkajs keeps half a response of a dead socket and would read the next one's answer behind it.
 */
export class BrokerConnection {
  readonly host: string;
  readonly port: number;
  private readonly broker: Broker;
  private readonly requestTimeout: number;
  private readonly sasl: object | null;
  private connecting: Promise<void> | undefined;
  private failure: Error | undefined;
  /** Whether the broker has answered more than which versions it speaks, which needs no permission. */
  private hasAnswered = false;
  private readonly gone: (connection: BrokerConnection) => void;

  /** `requestTimeout`: how long an answer may take, in milliseconds. `gone` is called once, when it became useless. */
  constructor(
    client: Client,
    address: { host: string; port: number },
    requestTimeout: number,
    gone: (connection: BrokerConnection) => void,
  ) {
    this.host = address.host;
    this.port = address.port;
    this.gone = gone;
    this.requestTimeout = requestTimeout;
    this.sasl = client.sasl;
    this.broker = new Broker({
      connectionPool: new ConnectionPool({
        host: address.host,
        port: address.port,
        ssl: client.ssl,
        sasl: client.sasl,
        clientId: client.clientId,
        socketFactory: client.socketFactory,
        connectionTimeout: CONNECT_TIMEOUT,
        requestTimeout,
        logger: client.kafkajsLogger,
      }),
      logger: client.kafkajsLogger,
    });
    // kafkajs has 10 seconds for it: brokers refuse a session of less, which would begin anew with each request.
    for (const connection of this.broker.connectionPool.pool)
      Object.defineProperty(connection, 'reauthenticationThreshold', {
        get: () => Math.ceil(Number(connection.sessionLifetime) * LAST_PART),
      });
  }

  get isUsable(): boolean {
    return this.failure === undefined;
  }

  /** Asks by the API's name, such as `ListOffsets`. Rejects with a broker's error, or with any other after which this object is useless. */
  async request<T>(api: string, payload: unknown, asAnswered = false): Promise<T> {
    return (await this.guarded(async () => {
      await this.connect();
      const made = this.broker.lookupRequest(this.keyOf(api), protocol.requests[api])(payload);
      const response = asAnswered ? { decode: made.response.decode, parse: unparsed } : made.response;
      const answer = await this.broker.connectionPool.send({ ...made, response, logResponseError: false });
      this.hasAnswered = true;
      return answer;
    })) as T;
  }

  /** Sends bytes of a request in a version of our own choice, and decodes the answer by `decode`. */
  async exchange<T>(api: string, version: number, body: Buffer, decode: (answer: Buffer) => T): Promise<T> {
    return (await this.guarded(async () => {
      await this.connect();
      return this.broker.connectionPool.send({
        request: {
          apiKey: this.keyOf(api),
          apiName: api,
          apiVersion: version,
          encode: async () => ({ buf: body, buffer: body }),
        },
        response: { decode, parse: unparsed },
        logResponseError: false,
      });
    })) as T;
  }

  /** The highest version of an API that this broker speaks; -1 where it does not have it. Connects where that is not done yet. */
  async maxVersion(api: string): Promise<number> {
    await this.guarded(() => this.connect());
    return this.broker.versions?.[this.keyOf(api)]?.maxVersion ?? -1;
  }

  /** The lightest question that shows a broker alive. */
  async probe(): Promise<void> {
    await this.guarded(async () => {
      await this.connect();
      await this.broker.apiVersions();
    });
  }

  /** Destroys the sockets; whatever waits for an answer rejects at once. */
  destroy(reason: Error = new TidegateError('TG_LOG_UNAVAILABLE', 'the connection was closed')): void {
    if (this.failure !== undefined) return;
    this.failure = reason;
    for (const connection of this.broker.connectionPool.pool) {
      connection.authHandlers?.onError();
      connection.rejectRequests(reason);
      connection.socket?.destroy(unwrapped(reason));
      connection.requestQueue.destroy();
      connection.connectionStatus = 'disconnected';
    }
    this.gone(this);
  }

  private connect(): Promise<void> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    if (this.connecting === undefined) {
      // kafkajs waits for ever for an answer to a password.
      const timer = setTimeout(
        () => this.destroy(new Error(`No answer from ${this.host}:${this.port} to the handshake`)),
        CONNECT_TIMEOUT + this.requestTimeout,
      );
      this.connecting = this.broker.connect().finally(() => clearTimeout(timer));
    }
    return this.connecting;
  }

  private async guarded<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (failed) {
      const error = explainAuthentication(failed, `${this.host}:${this.port}`, this.sasl);
      if (error instanceof Error && error.message === CLOSED) error.message = this.closedBy();
      if (kafkaCode(error) === undefined) this.destroy(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }
  }

  /** A broker that wants a password or TLS ends the connection without a word. */
  private closedBy(): string {
    const hint = this.hasAnswered ? '' : '; it may be starting, or expect SASL (log.sasl) or TLS (log.ssl)';
    return `${this.host}:${this.port} closed the connection${hint}`;
  }

  private keyOf(api: string): number {
    const key = apiKeys[api];
    if (key === undefined) throw new Error(`kafkajs knows no API ${api}`);
    return key;
  }
}

/** kafkajs puts its prefix before whatever a socket ends with: an error of its own would say it twice. */
function unwrapped(reason: Error): Error {
  const { message } = reason;
  if (!message.startsWith(PREFIX)) return reason;
  return Object.assign(new Error(message.slice(PREFIX.length), { cause: reason }), {
    code: (reason as NodeJS.ErrnoException).code,
  });
}

function unparsed(decoded: unknown): unknown {
  return decoded;
}
