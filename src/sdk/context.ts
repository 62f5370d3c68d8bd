import type { Observable } from 'rxjs';
import type { Batch } from '../core/batch.ts';
import type { ChannelFeed } from '../core/channel-feed.ts';
import type { Clock } from '../core/clock.ts';
import type { Sink, Source } from '../core/component.ts';
import type { StartPosition } from '../core/log.ts';
import type { Message } from '../core/message.ts';
import type { Connect } from '../core/remote.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Stats } from '../telemetry/stats.ts';
import type { ComponentSpan, SpanAttributes, Tracing } from '../telemetry/tracing.ts';

/** What every component gets of the gateway that runs it. */
export interface ComponentContext {
  /** Its place in the configuration, such as `pipelines.rooms-in.sink`. */
  readonly path: string;
  readonly logger: Logger;
  readonly stats: Stats;
  readonly clock: Clock;
  /** Aborts when its pipeline is closed; for a codec, never. */
  readonly signal: AbortSignal;
  readonly tracer: ComponentTracer;
  readonly state: ComponentState;
}

/** The same with ports of the gateway, of which a component gets those that its definition `needs`. */
export interface ConnectedContext extends ComponentContext {
  readonly gateway: GatewayPorts;
}

export type GatewayPort = keyof GatewayPorts;

/** What `create` of a component with these needs gets. */
export type ContextWith<Needs extends GatewayPort> = [Needs] extends [never]
  ? ComponentContext
  : ComponentContext & { readonly gateway: Pick<GatewayPorts, Needs> };

/** Spans of what a component does for messages that are sampled: a call of another service, a query. */
export interface ComponentTracer {
  /**
   * Begins a span within the step that the message, or the newest sampled one of a batch, is in. Costs nothing where none is
   * sampled. End it once.
   */
  span(of: Message | Batch, name: string, attributes?: SpanAttributes): ComponentSpan;
}

/** A small memory that outlives a restart, kept in the log. Not for what follows from records: operators rebuild that. */
export interface ComponentState {
  /**
   * The value that was saved last, here or on another gateway; undefined if there is none. Reads a topic to its end, so ask
   * when the component opens, not for each message. Waits while the log is away, until the component is closed.
   */
  load(key: string): Promise<unknown>;
  /**
   * Resolves when the log has it; undefined forgets it. Throws an Error for a key of more than 200 characters, more than
   * 1,000 keys, or a value of more than 65,536 bytes as JSON.
   */
  save(key: string, value: unknown): Promise<void>;
}

/** The parts of a running gateway that sources and sinks connect. */
export interface GatewayPorts {
  /** Spans of connections, and the first span of each message that is received. */
  readonly tracing: ComponentTracing;
  endpoint(name: string): EndpointPort;
  topic(name: string): TopicPort;
  /** Topics whose names come from messages. */
  readonly namedTopics: NamedTopics;
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

/** All ports, for sources and sinks. */
export const ALL_PORTS = [
  'tracing',
  'endpoint',
  'topic',
  'namedTopics',
  'subscribe',
  'follow',
  'dial',
  'cursors',
  'onStatus',
] as const satisfies readonly GatewayPort[];

/** A WebSocket endpoint with all its connections on this gateway. */
export interface EndpointPort {
  /** Messages of all connections, one batch per event-loop turn. */
  readonly received$: Observable<Batch>;
  pause(): void;
  resume(): void;
  /** Sends records to every connection. A slow one is subject to the endpoint's policy and never delays the others. */
  deliver(batch: Batch): void;
  /**
   * Sends records to the subscribers of channels. `channels`: for each record the name of its channel, or a list of names; one
   * with anything else goes nowhere, and is counted. `feed`: by which the records have positions in their channels; left out: none.
   */
  publish(batch: Batch, channels: readonly unknown[], feed?: ChannelFeed): void;
}

/** A topic that is written to. */
export type TopicPort = Pick<Sink, 'write' | 'idle' | 'idle$'>;

export type NamedTopicPort = TopicPort & {
  /** Messages that are not in the log yet. */
  readonly pending: number;
};

export interface NamedTopics {
  /** Why no message may be written to a topic of that name; undefined where it may. */
  mistakeOf(name: string): string | undefined;
  /**
   * Resolves with true once the topic exists, and with false when `signal` aborts; waits for a log that is away. Rejects
   * with a `reject` error where it does not exist, and may not or cannot be created.
   */
  ensure(name: string, create: boolean, signal: AbortSignal): Promise<boolean>;
  /** Ask for it for each batch: one that is gone from the log is let go. */
  open(name: string): NamedTopicPort;
  /** Lets go of it, unless something else keeps it or messages are in flight. */
  close(name: string): void;
}

/** Names of topics that are meant by a pattern. */
export interface TopicPattern {
  test(name: string): boolean;
  toString(): string;
}

export interface SubscribeOptions {
  readonly topics: readonly string[];
  /** More topics: those that exist, and those that are created later. Internal ones, and those that the pipeline writes to, are none of them. */
  readonly patterns?: readonly TopicPattern[];
  /** Most topics that patterns may match. Default 1,000. */
  readonly maxTopics?: number;
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
