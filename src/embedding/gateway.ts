import { Observable, Subject, share, takeUntil } from 'rxjs';
import type { StopReport } from '../actors/gateway/gateway.ts';
import type {
  CloseFacts,
  ConnectionFacts,
  GatewayEventName,
  GatewayListener,
  RequestFacts,
} from '../assembly/events.ts';
import type { GatewaySnapshot } from '../assembly/inspection.ts';
import type { TidegateError } from '../core/errors.ts';
import type { AssembledGateway, BoundPorts } from '../gateway.ts';
import { createTopic, type GatewayTopic } from './gateway-topic.ts';
import { Publishing } from './publishing.ts';

/** A client came or went. */
export type ConnectionChange =
  | { readonly type: 'opened'; readonly connection: ConnectionFacts; readonly request: RequestFacts }
  | { readonly type: 'closed'; readonly connection: ConnectionFacts; readonly close: CloseFacts };

/** A gateway that a program runs. It handles no signals, and ends no process. */
export interface Gateway {
  /**
   * Resolves when every port is bound; the log may come later, and clients are asked to come back until then. Rejects
   * with a `TidegateError`: TG_LISTEN_FAILED, TG_DATA_DIR_OWNED, TG_DATA_DIR_UNUSABLE, or TG_NOT_RUNNING after `stop`.
   */
  start(): Promise<void>;
  /**
   * Delivers what is on its way, then closes everything that the gateway opened, within `shutdown.timeout`. Its clients
   * are closed with 1012 over `shutdown.jitter`.
   */
  stop(): Promise<StopReport>;
  /** What there is at this moment, as plain data. */
  inspect(): GatewaySnapshot;
  /** Ports that are bound, once it is started. */
  ports(): BoundPorts;
  /** Calls the listener at each event of that name. */
  on<Name extends GatewayEventName>(name: Name, listener: GatewayListener<Name>): this;
  /** Calls the listener at the next event of that name. */
  once<Name extends GatewayEventName>(name: Name, listener: GatewayListener<Name>): this;
  /** Calls the listener no longer. */
  off<Name extends GatewayEventName>(name: Name, listener: GatewayListener<Name>): this;
  /**
   * Resolves with the reason when the gateway finds, after its start, that it cannot do its work until a person changes
   * something: the log refuses a topic as the configuration has it (TG_TOPIC_INVALID). It has not stopped: stop it.
   */
  readonly failed: Promise<TidegateError>;
  /** Clients that come and go from the subscription on; completes when the gateway has stopped. */
  readonly connections$: Observable<ConnectionChange>;
  /** A topic of the log to read and write, whether or not the configuration names it. The same object for the same name. */
  topic(name: string): GatewayTopic;
}

/** A gateway with what a program needs around it. */
export class EmbeddedGateway implements Gateway {
  readonly connections$: Observable<ConnectionChange>;
  private readonly assembled: AssembledGateway;
  private readonly topics = new Map<string, GatewayTopic>();
  private readonly publishing: Publishing;
  private readonly stopping = new Subject<void>();
  private readonly stopped = new Subject<void>();
  private report: Promise<StopReport> | undefined;

  constructor(assembled: AssembledGateway) {
    this.assembled = assembled;
    this.publishing = new Publishing(assembled);
    this.connections$ = changesOf(assembled).pipe(takeUntil(this.stopped), share());
  }

  start(): Promise<void> {
    return this.assembled.start();
  }

  stop(): Promise<StopReport> {
    this.report ??= this.end();
    return this.report;
  }

  get failed(): Promise<TidegateError> {
    return this.assembled.failed;
  }

  inspect(): GatewaySnapshot {
    return this.assembled.inspect();
  }

  ports(): BoundPorts {
    return this.assembled.ports();
  }

  on<Name extends GatewayEventName>(name: Name, listener: GatewayListener<Name>): this {
    this.assembled.events.on(name, listener);
    return this;
  }

  once<Name extends GatewayEventName>(name: Name, listener: GatewayListener<Name>): this {
    this.assembled.events.once(name, listener);
    return this;
  }

  off<Name extends GatewayEventName>(name: Name, listener: GatewayListener<Name>): this {
    this.assembled.events.off(name, listener);
    return this;
  }

  topic(name: string): GatewayTopic {
    const known = this.topics.get(name);
    if (known !== undefined) return known;
    const topic = createTopic(this.assembled, name, this.publishing, this.stopping);
    this.topics.set(name, topic);
    return topic;
  }

  private async end(): Promise<StopReport> {
    const report = this.assembled.stop();
    this.stopping.next();
    try {
      return await report;
    } finally {
      this.stopped.next();
    }
  }
}

function changesOf(gateway: AssembledGateway): Observable<ConnectionChange> {
  const { events } = gateway;
  return new Observable((subscriber) => {
    if (gateway.phase === 'stopped') subscriber.complete();
    const opened: GatewayListener<'ws-connection'> = (connection, request) =>
      subscriber.next({ type: 'opened', connection, request });
    const closed: GatewayListener<'ws-close'> = (connection, close) =>
      subscriber.next({ type: 'closed', connection, close });
    events.on('ws-connection', opened);
    events.on('ws-close', closed);
    return () => {
      events.off('ws-connection', opened);
      events.off('ws-close', closed);
    };
  });
}
