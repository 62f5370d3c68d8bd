import type { Observable } from 'rxjs';
import type { TidegateError } from '../core/errors.ts';
import type { Header } from '../core/headers.ts';
import type { TopicRecord } from '../core/topic-record.ts';
import type { Position } from '../core/topic-request.ts';
import type { ReloadCause, ReloadReport } from '../gateway/reload/report.ts';
import type { BoundPorts, GatewaySnapshot, StopReport } from '../gateway/snapshot.ts';
import type {
  CloseFacts,
  ConnectionFacts,
  GatewayEventName,
  GatewayListener,
  RequestFacts,
} from '../telemetry/events.ts';
import type { ConfigFile, ConfigObject } from './options.ts';

/** Text is written as UTF-8. */
export type NewValue = string | Uint8Array | null;

/** A record to be written. Text is written as UTF-8. */
export interface NewRecord {
  /** null: a tombstone, which needs a key. */
  readonly value: string | Uint8Array | null;
  /** Records of one key go to one partition, where Kafka's own clients put them; those without one go to all in turn. */
  readonly key?: string | Uint8Array | null;
  /** An object of values by name, or a list of [name, value], where a name may occur several times. null: a header without a value. */
  readonly headers?: Readonly<Record<string, NewValue>> | Iterable<Header<NewValue>>;
  /** Milliseconds since the epoch; now where it is left out. */
  readonly timestamp?: number;
}

/** Where a record is in its topic. */
export type RecordPosition = Position;

/** A topic, as the program that runs the gateway uses it. */
export interface GatewayTopic {
  readonly name: string;
  /**
   * Every record that comes from now on, on whichever gateway or program it was written, in order within its partition.
   * Reading begins with the first subscription once the gateway is started, at the end of the topic as it is then, and
   * ends with the last; a topic that comes later is read from its first record. The event `consumer-ready` says when
   * nothing is missed any more. It never fails: reading that breaks off goes on where it was. It completes when the
   * gateway stops.
   */
  readonly records$: Observable<TopicRecord>;
  /**
   * Writes a record; resolves once the log has it (acks=all), however long that takes. Records of one caller keep their
   * order within a partition. Rejects with a `TidegateError`: TG_RECORD_TOO_LARGE, TG_TOPIC_MISSING and the like where the
   * log refuses it, TG_STOPPING where the gateway stopped before the outcome was known, TG_LIMIT_REACHED where 16,384
   * records or 64 MiB are in flight already, TG_NOT_RUNNING, TG_MESSAGE_INVALID.
   */
  publish(record: NewRecord): Promise<RecordPosition>;
}

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
   * Delivers in-flight messages, then closes everything that the gateway opened, within `shutdown.timeout`. Its clients
   * are closed with 1012 over `shutdown.jitter`.
   */
  stop(): Promise<StopReport>;
  /**
   * Changes the configuration while the gateway runs: only what differs is drained, replaced or started, and everything else stays,
   * its sockets too. Without `config` the file is read again that the gateway was made of. Resolves with what was done, when it is
   * done. Rejects where nothing was changed, with a `ConfigError` that lists the mistakes, or with another `TidegateError`:
   * TG_RELOAD_REFUSED (it changes what needs a restart), TG_LISTEN_FAILED, TG_TOPIC_INVALID, TG_NOT_RUNNING. A reload waits for the
   * one before; of several that wait the newest is carried out, and all get its outcome.
   */
  reload(config?: string | ConfigFile | ConfigObject, cause?: ReloadCause): Promise<ReloadReport>;
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
   * Resolves with the reason when the gateway finds, after its start, that it cannot do its work until the operator changes
   * something: the log refuses a topic as the configuration has it (TG_TOPIC_INVALID). It has not stopped: stop it.
   */
  readonly failed: Promise<TidegateError>;
  /** Clients that come and go from the subscription on; completes when the gateway has stopped. */
  readonly connections$: Observable<ConnectionChange>;
  /** A topic of the log to read and write, whether or not the configuration names it. The same object for the same name. */
  topic(name: string): GatewayTopic;
}
