import type { Observable } from 'rxjs';
import type { StopReport } from '../actors/gateway/stop-report.ts';
import type { BoundPorts } from '../assembly/bound-ports.ts';
import type {
  CloseFacts,
  ConnectionFacts,
  GatewayEventName,
  GatewayListener,
  RequestFacts,
} from '../assembly/events.ts';
import type { GatewaySnapshot } from '../assembly/snapshot.ts';
import type { TidegateError } from '../core/errors.ts';
import type { GatewayTopic } from './gateway-topic.ts';

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
   * Resolves when the gateway is ready for the first time: it has started, the log can be reached, the topics exist, and
   * every pipeline runs and misses nothing from then on. May be called before `start`. Rejects with a `TidegateError`
   * where that does not happen: with the reason why `start` or a pipeline failed, with that of `failed`, or with
   * TG_STOPPING where the gateway is stopped before.
   */
  ready(): Promise<void>;
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
