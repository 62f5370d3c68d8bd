import type { Observable } from 'rxjs';
import type { Batch } from '../core/batch.ts';
import type { Clock } from '../core/clock.ts';
import type { Sink, Source } from '../core/component.ts';
import type { StartPosition } from '../core/log.ts';
import type { Connect } from '../core/remote.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Stats } from '../telemetry/stats.ts';
import type { Tracing } from '../telemetry/tracing.ts';

/** What a component may use of the gateway that runs it. */
export interface ComponentContext {
  /** Its place in the configuration, such as `pipelines.rooms-in.sink`. */
  readonly path: string;
  readonly logger: Logger;
  readonly stats: Stats;
  readonly tracing: ComponentTracing;
  readonly clock: Clock;
  readonly gateway: GatewayPorts;
}

/** The parts of a running gateway that sources and sinks connect. */
export interface GatewayPorts {
  endpoint(name: string): EndpointPort;
  topic(name: string): TopicPort;
  subscribe(options: SubscribeOptions): Source;
  /** Reads topics without a group and beside any pipeline, as for a table that a component keeps of them. */
  follow(options: FollowOptions): TopicFollower;
  /** Connects to a WebSocket server, once: reconnecting is up to the caller. */
  readonly dial: Connect;
  /** Cursors kept in this compacted topic, or in `_tidegate.cursors`; a connector keeps them as its source offsets. */
  cursors(topic?: string): CursorStore;
  /**
   * Reports whether the component can reach an external system; the status of a connector shows it. `name` must not
   * contain secrets. `problem`: why it cannot; undefined when it can.
   */
  onStatus(name: string, problem: string | undefined): void;
}

/** Spans that a component starts: those of its connections, and the first span of each message that it receives. */
export type ComponentTracing = Pick<Tracing, 'dialling' | 'received'>;

/** A WebSocket endpoint with all its connections on this gateway. */
export interface EndpointPort {
  /** Messages of all connections, one batch per event-loop turn. */
  readonly received$: Observable<Batch>;
  pause(): void;
  resume(): void;
  /** Sends records to every connection. A slow one is subject to the endpoint's policy and never delays the others. */
  deliver(batch: Batch): void;
}

/** A topic that is written to. */
export type TopicPort = Pick<Sink, 'write' | 'idle' | 'idle$'>;

export interface SubscribeOptions {
  readonly topics: readonly string[];
  readonly from: StartPosition;
  /** Share partitions with the other members of this group; without a group every gateway reads every record. */
  readonly group?: string;
}

export interface FollowOptions {
  readonly topics: readonly string[];
  readonly from: StartPosition;
  /** Takes each batch, of one partition, in order. It settles nothing: what was handed over counts as read. */
  readonly next: (batch: Batch) => void;
  /** A topic was deleted and created again: the next batch begins at the first record of the new topic. */
  readonly recreated?: (topic: string) => void;
}

/** Reads on through every outage of the log, until it is closed. */
export interface TopicFollower {
  /** Resolves when all has been read that the topics had at the first use; never, if it is closed before. */
  readonly caughtUp: Promise<void>;
  open(): void;
  close(): Promise<void>;
}

/** How far a source has read, to be kept across restarts. */
export interface SavedCursor {
  /** JSON text, so that no digit is lost: the cursor of the last message before which all are settled. undefined if there is none. */
  readonly cursor?: string | undefined;
  /** When that message was received, in milliseconds since the epoch. */
  readonly heardAt: number;
}

/** Keeps cursors across restarts. A name has one writer at a time: the last save wins. */
export interface CursorStore {
  /** undefined for a name that was never saved. Waits while the store is unavailable, until `signal` aborts. */
  load(name: string, signal: AbortSignal): Promise<SavedCursor | undefined>;
  /** Resolves when the cursor is durable. */
  save(name: string, cursor: SavedCursor): Promise<void>;
}
