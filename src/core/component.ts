import type { Observable } from 'rxjs';
import type { Batch } from './batch.ts';
import type { ChannelProtocol, SubscriptionFacts } from './channel-protocol.ts';
import type { ConnectionInfo } from './connection-info.ts';
import type { Effect } from './effect.ts';
import type { Rejection, TidegateError } from './errors.ts';
import type { Farewell, Frame } from './frame.ts';
import type { GroupState } from './group-state.ts';
import type { TopicPartition } from './log.ts';
import type { Membership } from './membership.ts';
import type { Message, Outcome } from './message.ts';
import type { TopicProtocol } from './topic-protocol.ts';

/** Where a pipeline's batches come from. Retry, tracing, metrics and back-off wrap it from outside. */
export interface Source {
  /** Hot while the source is open. An error makes the pipeline close the source and open a new one after a pause. */
  readonly batches$: Observable<Batch>;
  /** Resolves when nothing that arrives from now on is missed. */
  open(): Promise<void>;
  /** Asks the source to hold. What it had read already may still come. */
  pause(): void;
  resume(): void;
  /**
   * The pipeline stops: hand over what was read, and read no more. If that takes more than this call, the result resolves when
   * it is done; the pipeline is closed after it. A source without it is paused instead.
   */
  drain?(): Promise<void> | void;
  /** Learns of each of its messages that is settled: for a source that bounds how many of them are in flight. */
  settled?(message: Message): void;
  /**
   * Commits what an operator says of its state beside each offset, and reads again what it needs: for sources that share
   * partitions with other gateways. Called once, before `open`. Gives what says how long ago, in milliseconds,
   * a partition was seen to have no record that is not settled; undefined: it has some.
   */
  keepState?(state: GroupState): (partition: TopicPartition) => number | undefined;
  /** Stops reading; messages that are in flight can still be settled afterwards. */
  close(): Promise<void>;
}

/** Where a pipeline's batches go. The sink settles every message it was given, sooner or later. */
export interface Sink {
  open(): Promise<void>;
  /** Takes the batch and returns at once: the pipeline's gate bounds how much a sink can hold. */
  write(batch: Batch): void;
  /** Whether a batch that is written now would go out at once; batching waits for more otherwise. */
  readonly idle: boolean;
  /** Emits whenever `idle` becomes true. */
  readonly idle$: Observable<void>;
  /** Emits when the sink can take nothing any more; the pipeline fails, or starts again, as the error says. */
  readonly failed$?: Observable<TidegateError>;
  /** The key that a record of the message would have, for a dead letter. No value: none. May throw or reject. */
  keyOf?(message: Message): string | Buffer | null | undefined | Promise<string | Buffer | null | undefined>;
  close(): Promise<void>;
}

type Processed = Message | readonly Message[] | null;

/** Changes messages, each by itself. */
export interface Processor {
  /**
   * How many messages it is given before it is done with the first of them: for one that waits. 1 if left out. What it
   * makes of them goes on in the order of their keys, whatever it is done with first. Within `try` it is always 1.
   */
  readonly concurrency?: number;
  /**
   * Called once before the first message, and again only if it rejected: its pipeline reads nothing until it resolves, and
   * tries again later if it rejects, unless the error says `stop`.
   */
  open?(): Promise<void> | void;
  /**
   * Returns what goes on: the message itself, one made with `derive`, several made with `split`, or null for a message
   * that ends here and counts as done. What it throws fails this message alone; only an error whose `next` is
   * `retry` is tried again.
   */
  process(message: Message, call?: ProcessorCall): Processed | Promise<Processed>;
  close?(): void;
}

/** What the engine gives a processor beside a message. */
export interface ProcessorCall {
  /** Aborts when the time for this message is over, where it has a limit, or its pipeline is closed. */
  readonly signal: AbortSignal;
}

/** Changes the flow itself: drops, delays, reorders. Must settle or pass on whatever it takes, each message but once. */
export interface Operator {
  /** Called for each start of the pipeline. A message that is settled already is not to be passed on. */
  apply(batches$: Observable<Batch>, host: OperatorHost): Observable<Batch>;
}

/** How an operator ends a message. */
export interface OperatorHost {
  /** On purpose: it counts as done. */
  filter(message: Message): void;
  /** For good: what its pipeline does with failed messages is done with it. */
  fail(message: Message, error: unknown): void;
}

/**
 * A wire protocol: a pure function from frames and events to effects, and from records to frames. It does no I/O and
 * keeps nothing but `State`, one per connection. A codec that throws closes its connection with 1011.
 */
export interface Codec<State = unknown> {
  /** Whether a publish is answered. Without answers a final failure closes the socket with 1011. */
  readonly answers: boolean;
  open(connection: ConnectionInfo, now: number): { readonly state: State; readonly effects: readonly Effect[] };
  /** `data` is valid UTF-8 where `binary` is false (RFC 6455 8.1). */
  frame(state: State, data: Buffer, binary: boolean, now: number): readonly Effect[];
  /**
   * The answer to a publish, or null for none. `rejection` is null when the message is done; `outcome` says then
   * whether the log has it, or where else it is. Left out: the log has it.
   */
  settled(
    state: State,
    correlation: unknown,
    rejection: Rejection | null,
    now: number,
    outcome?: Outcome,
  ): Frame | null;
  /** How a record looks on the wire: made once for all sockets of the endpoint. Null: not for clients. */
  record(message: Message, now: number): Frame | null;
  /** The frame by which a client learns that `count` records were dropped because it was too slow. */
  dropped(count: number, now: number): Frame | null;
  /** For protocols whose clients know of each other, on all gateways. `open` is asked once the client is let in. */
  readonly membership?: Membership<State>;
  /** For protocols whose clients choose topics themselves: their endpoints need no pipeline. */
  readonly topics?: TopicProtocol<State>;
  /** For protocols whose clients can renew their token on the open connection. */
  readonly renewal?: Renewal<State>;
  /** For protocols whose clients know channels by their names. */
  readonly channels?: ChannelProtocol<State>;
  /** For protocols whose clients say who they are in their first command. */
  readonly introduction?: Introduction<State>;
  /** A frame that every client answers, in place of the pings of RFC 6455. */
  readonly ping?: Frame;
  /** How this protocol says that the gateway closes the connection. Left out: as the gateway says it. */
  farewell?(farewell: Farewell): Farewell;
}

/**
 * The part of a wire protocol by which a client says who it is, in its first command. It receives nothing before that. Pure, as the
 * rest of the codec.
 */
export interface Introduction<State = unknown> {
  /** The answer to an `introduce`: the client is in. */
  accepted(state: State, correlation: unknown, facts: IntroductionFacts, now: number): Frame;
  /** What becomes of a client that is not let in. Where it is not closed it may try again. */
  refused(state: State, correlation: unknown, refusal: IntroductionRefusal, now: number): readonly Effect[];
}

/** What a client hears when it is let in. */
export interface IntroductionFacts {
  /** With the name that it has, and whether it may renew its token. */
  readonly connection: ConnectionInfo;
  /** Milliseconds since 1970 at which its token expires, if it does. */
  readonly expires: number | undefined;
  /** The channels that it is in. */
  readonly channels: ReadonlyMap<string, SubscriptionFacts>;
  /** Seconds between two pings. */
  readonly pingInterval: number;
}

/** 401: without a token, or with a wrong one. 403: it may not. 429: its identity has too many connections. 503: try again later. */
export interface IntroductionRefusal {
  readonly status: 401 | 403 | 429 | 503;
  /** A short label, such as token_expired. */
  readonly reason: string;
  readonly message: string;
}

/** The part of a wire protocol for tokens. Pure, as the rest of the codec. */
export interface Renewal<State = unknown> {
  /** The frame that asks a client whose token has expired for a new one, within so many seconds. Null: it knows by itself. */
  ask(state: State, within: number, now: number): Frame | null;
  /** The answer to a `renew`. `rejection` is null where the token was accepted; `expires`: milliseconds since 1970, if it does. */
  renewed(
    state: State,
    correlation: unknown,
    rejection: Rejection | null,
    now: number,
    expires: number | undefined,
  ): Frame;
}
