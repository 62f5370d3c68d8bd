import { EventEmitter } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import type { TidegateError } from '../core/errors.ts';
import type { TopicRecord } from '../core/topic-record.ts';
import type { Logger } from './logger.ts';

/** A client's connection. */
export interface ConnectionFacts {
  /** Unique among all gateways, the same from the first event of a connection to the last. */
  readonly id: string;
  /** How the other clients know it. It is `id` until a room has let the client in under a name of its own. */
  readonly clientId: string;
  /** Name of the endpoint. */
  readonly endpoint: string;
  /** Parameters of the endpoint's path, percent-decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
}

/** What the client said in its handshake; where its endpoint has `auth`, without what it showed of itself. */
export interface RequestFacts {
  /** Path and query as they were sent, but for tokens. */
  readonly url: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Address of the peer. */
  readonly remote: string;
}

/** How a connection ended. */
export interface CloseFacts {
  /** Close code (RFC 6455 7.4); 1006: the client vanished without a close frame. */
  readonly code: number;
  readonly reason: string;
}

/** What is written to. */
export interface ProducerFacts {
  /** Log driver: `kafkajs` or `embedded`. */
  readonly driver: string;
  /** The topic that this is about; left out where it is about the whole log. */
  readonly topic?: string;
}

/** What is read. */
export interface ConsumerFacts {
  readonly topics: readonly string[];
  /** Left out for a reader without a group. */
  readonly group?: string;
}

/** `partitions`: how many the group assigned to this gateway; left out for a reader without a group. */
export interface ConsumerReady extends ConsumerFacts {
  readonly partitions?: number;
}

/** What happens in a gateway, by the names of S2: the arguments of each event's listeners. */
export interface GatewayEvents {
  /** A client has connected to an endpoint. */
  'ws-connection': [connection: ConnectionFacts, request: RequestFacts];
  /** A client's connection has ended, whichever side closed it. */
  'ws-close': [connection: ConnectionFacts, close: CloseFacts];
  /** All listeners accept clients; their ports by name. */
  'wss-ready': [ports: Readonly<Record<string, number>>];
  /** The gateway is ready: the log can be reached, its topics exist and its pipelines run. Once, after the start. */
  ready: [];
  /** The log can be reached, or a topic takes records again. Once at start, then after each `producer-error`. */
  'producer-ready': [producer: ProducerFacts];
  /** The log cannot be reached, or a write has to be repeated. Nothing is lost: the pending records are written later. */
  'producer-error': [error: TidegateError, producer: ProducerFacts];
  /** Every record that comes from now on is read. With a group: at each assignment of partitions. */
  'consumer-ready': [consumer: ConsumerReady];
  /** Reading broke off; it is tried again. */
  'consumer-error': [error: TidegateError, consumer: ConsumerFacts];
  /** A record was read for pipelines or clients: once on this gateway, whatever the number of clients that get it. */
  'consumer-message': [record: TopicRecord, consumer: Pick<ConsumerFacts, 'group'>];
  /** A part of the gateway, or a plugin, reported an error, which is also in the log. `cause` is what was thrown, `code` one of Tidegate's, if it has one. */
  error: [error: GatewayFailure];
}

export type GatewayEventName = keyof GatewayEvents;

/** What it returns is ignored, but for a promise: if that rejects, it is logged. */
export type GatewayListener<Name extends GatewayEventName> = (...facts: GatewayEvents[Name]) => unknown;

/** An error of a gateway as a whole, as its log has it. */
export interface GatewayFailure extends Error {
  /** One of docs/reference/errors.md. */
  readonly code?: string;
  /** The facts of the line in the log, such as `pipeline`, `endpoint` or `client_id`. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Typed events. A listener that throws is logged, and costs neither the gateway nor the other listeners anything. */
export class EventHub {
  private readonly emitter = new EventEmitter();
  private readonly logger: Logger;

  /** `logger`: that of the program. A `PartLogger` would make an event of a listener that fails. */
  constructor(logger: Logger) {
    this.logger = logger;
  }

  /** Whether there are listeners. Ask before making facts that are costly. */
  has(name: GatewayEventName): boolean {
    return this.emitter.listenerCount(name) > 0;
  }

  on<Name extends GatewayEventName>(name: Name, listener: GatewayListener<Name>): void {
    this.emitter.on(name, listener as (...facts: unknown[]) => void);
  }

  once<Name extends GatewayEventName>(name: Name, listener: GatewayListener<Name>): void {
    this.emitter.once(name, listener as (...facts: unknown[]) => void);
  }

  off<Name extends GatewayEventName>(name: Name, listener: GatewayListener<Name>): void {
    this.emitter.off(name, listener as (...facts: unknown[]) => void);
  }

  emit<Name extends GatewayEventName>(name: Name, ...facts: GatewayEvents[Name]): void {
    for (const listener of this.emitter.rawListeners(name)) {
      try {
        const result: unknown = listener.apply(this.emitter, facts);
        if (result instanceof Promise) result.catch((error: unknown) => this.failed(name, error));
      } catch (error) {
        this.failed(name, error);
      }
    }
  }

  private failed(name: string, error: unknown): void {
    this.logger.error({ error, event: name }, `a listener of the event ${name} failed`);
  }
}
