import type { Observable } from 'rxjs';
import type { Batch } from './batch.ts';
import type { ChannelPosition } from './channel-position.ts';
import type { CodecMessage } from './content.ts';
import type { Rejection, TidegateError } from './errors.ts';
import type { GroupState } from './group-state.ts';
import type { TopicPartition } from './log.ts';
import type { Message, Outcome } from './message.ts';
import type { ChannelPresence, PresenceChange } from './presence.ts';
import type { TopicOutcome, TopicRequest, TopicView } from './topic-request.ts';

/** Where a pipeline's batches come from. Retry, tracing, metrics and back-off wrap it from outside. */
export interface Source {
  /** Hot while the source is open. An error makes the pipeline close the source and open a new one after a pause. */
  readonly batches$: Observable<Batch>;
  /** Resolves when nothing that arrives from now on is missed. */
  open(): Promise<void>;
  /** Asks the source to hold. What it had read already may still come. */
  pause(): void;
  resume(): void;
  /** The pipeline stops: hand over what was read, and read no more. A source without it is paused instead. */
  drain?(): void;
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

/** A WebSocket data frame's content. */
export interface Frame {
  readonly data: Buffer | string;
  readonly binary: boolean;
  /** Bytes of the payload that are written behind `data`. */
  readonly following?: number;
}

/** What a codec knows of a new connection. */
export interface ConnectionInfo {
  /** Unique among all gateways. */
  readonly clientId: string;
  readonly endpoint: string;
  /** Parameters of the endpoint's path, percent-decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** What the configuration calls it (`presence.name`): for codecs whose clients know of each other, in place of their own choice. */
  readonly name?: string;
  /** Whether it may renew its token: frames by which clients do that mean it. Left out: no. */
  readonly renews?: boolean;
  /** Whether it may subscribe to channels: frames by which clients do that mean it. Left out: no. */
  readonly subscribes?: boolean;
  /** Whether it may publish to channels: frames by which clients do that mean it. Left out: no. */
  readonly publishes?: boolean;
  /** Whether it may ask which clients are in a channel that it is subscribed to. Left out: no. */
  readonly seesPresence?: boolean;
  /** Headers of the handshake that the endpoint lists in `meta_headers`, in lower case; undefined where it lists none. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** What a codec wants done. The list is open: later protocols add to it. */
export type Effect =
  /**
   * Hand a message to the pipelines; `settled` is asked for the answer, in the order of the frames. `channel`: what it is
   * published to, as `meta.channel`, if the client may publish there; only for codecs with `channels`, on endpoints with channels.
   */
  | {
      readonly type: 'publish';
      readonly message: CodecMessage;
      readonly channel?: string | undefined;
      readonly correlation?: unknown;
    }
  /**
   * Say this to the client, in the order of the frames. `rejected`: a short label of why its frame is refused, for
   * metrics; `why`: the same in words, as the frame has it, for the dead letter.
   */
  | { readonly type: 'reply'; readonly frame: Frame; readonly rejected?: string; readonly why?: string }
  | { readonly type: 'close'; readonly code: number; readonly reason: string }
  /** Say something to one other member, wherever it is connected. Only for codecs with a `membership`. */
  | { readonly type: 'direct'; readonly to: string; readonly content: string }
  /** Send a member away; without a target all of them, the sender too. Only for codecs with a `membership`. */
  | { readonly type: 'kick'; readonly target?: string }
  /** Ask the endpoint for something about topics. Only for codecs with `topics`. */
  | { readonly type: 'request'; readonly request: TopicRequest; readonly correlation?: unknown }
  /**
   * Let the client in, which shows this token, if it shows one, and where it is in channels that it is to be in. Only for codecs with an `introduction`, once at a time, and before
   * all other effects but `reply` and `close`; those behind it are done when the client is in.
   */
  | {
      readonly type: 'introduce';
      readonly token?: string | undefined;
      readonly since?: ReadonlyMap<string, ChannelPosition | null>;
      readonly correlation?: unknown;
    }
  /** Show a new token. Only for codecs with `renewal`, of connections that may renew theirs. */
  | { readonly type: 'renew'; readonly token: string; readonly correlation?: unknown }
  /**
   * Subscribe the client to a channel. Only for codecs with `channels`, of connections that may subscribe. `since`: it has the
   * records in front of that position; null: it has shown one that is none.
   */
  | {
      readonly type: 'subscribe';
      readonly channel: string;
      readonly since?: ChannelPosition | null | undefined;
      readonly correlation?: unknown;
    }
  /** End a subscription; see `subscribe`. */
  | { readonly type: 'unsubscribe'; readonly channel: string; readonly correlation?: unknown }
  /**
   * Ask which clients are in a channel that the client is subscribed to; `counts`: only how many. Only for codecs whose `channels` have
   * `presence`, of connections that may see it. Refused by `refused` of `channels`.
   */
  | {
      readonly type: 'presence';
      readonly channel: string;
      readonly counts: boolean;
      readonly correlation?: unknown;
    };

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

/** What a client hears of a subscription that begins. */
export interface SubscriptionFacts {
  /** Where it is before the records that follow. Left out: the channel has no positions. */
  readonly position?: ChannelPosition | undefined;
  /** Where it has asked for records since a position: whether it gets all of them. */
  readonly recovered?: boolean | undefined;
}

/** The part of a wire protocol for channels. Pure, as the rest of the codec. */
export interface ChannelProtocol<State = unknown> {
  /** The answer to a `subscribe`. Null: none. */
  subscribed(state: State, correlation: unknown, channel: string, facts: SubscriptionFacts, now: number): Frame | null;
  /** The answer to an `unsubscribe`; with a `reason`, the gateway itself has ended the subscription. Null: none. */
  unsubscribed(
    state: State,
    correlation: unknown,
    channel: string,
    reason: Rejection | null,
    now: number,
  ): Frame | null;
  /** The answer to a `subscribe` or `unsubscribe` that was not done. Null: none. */
  refused(state: State, correlation: unknown, channel: string, rejection: Rejection, now: number): Frame | null;
  /**
   * In place of `record` on endpoints with channels: made once for all subscribers of the channel. Undefined: the record is
   * for all clients. Null: not for clients. `position`: where a client is that has the record; undefined: the channel has none.
   */
  publication(
    channel: string | undefined,
    message: Message,
    position: ChannelPosition | undefined,
    now: number,
  ): Frame | null;
  /** Records of the channel were lost while it was read; made once for all its subscribers. `position`: where it goes on. */
  gap(channel: string, position: ChannelPosition, reason: GapReason, now: number): Frame | null;
  /** For protocols whose clients can ask which clients are in their channels. */
  readonly presence?: PresenceProtocol<State>;
}

/** The part of a wire protocol for the presence of channels. Pure, as the rest of the codec. */
export interface PresenceProtocol<State = unknown> {
  /** The answer to a `presence`. Null: none. */
  answered(state: State, correlation: unknown, channel: string, presence: ChannelPresence, now: number): Frame | null;
  /** The frame by which the subscribers of a channel learn of a change, made once for all of them. Null: none. */
  announce(channel: string, change: PresenceChange, now: number): Frame | null;
}

/** epoch: the topic was created anew, or has another number of partitions. expired: records were removed before they were read. */
export type GapReason = 'epoch' | 'expired';

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

/** The part of a wire protocol for topics. Pure, as the rest of the codec. */
export interface TopicProtocol<State = unknown> {
  /** The answer to a request, in no given order. Null: none. A rejection always deserves one. */
  answered(state: State, correlation: unknown, outcome: TopicOutcome, now: number): Frame | null;
  /**
   * What answers to `listed` and `health` have in common, for all clients, in pieces of some kilobytes: such an answer may be
   * megabytes long, so it is made once for all clients, and other work is done between the pieces.
   */
  payload(view: TopicView): Iterable<string>;
  /** What one client's answer has before and behind that payload; together a text frame. */
  around(state: State, correlation: unknown, now: number): { readonly head: string; readonly tail: string };
  /** Records of a subscription for one client, in one frame. Never empty. */
  notify(state: State, messages: readonly Message[], now: number): Frame;
}

/** A client that was let in, under the name that all gateways know it by. */
export interface Member {
  readonly name: string;
  /** What the protocol remembers of it for the others, such as its age. */
  readonly details: Readonly<Record<string, string>>;
}

/** How a new connection is to be called. */
export type Identity =
  /** `prefix` and the next number of the room, which no other client ever had. */
  | { readonly type: 'numbered'; readonly prefix: string }
  /** The name that it asks for, which one client at a time may have; `taken` closes the second one. */
  | {
      readonly type: 'named';
      readonly name: string;
      readonly details: Readonly<Record<string, string>>;
      readonly taken: Farewell;
    }
  /** It cannot be let in. */
  | { readonly type: 'refused'; readonly farewell: Farewell };

/** Close code and reason (RFC 6455 7.4; at most 123 bytes). */
export interface Farewell {
  readonly code: number;
  readonly reason: string;
}

/** What a member hears of the others. */
export type MemberEvent =
  | { readonly type: 'direct'; readonly from: string; readonly content: string }
  | { readonly type: 'kicked'; readonly by: string }
  /** Its own `direct` or `kick` was not done: no such member, not allowed, or the log is away. */
  | {
      readonly type: 'refused';
      readonly action: 'direct' | 'kick';
      readonly target: string | undefined;
      readonly reason: 'unknown' | 'forbidden' | 'unavailable';
    };

/** A client came or left, on any of the gateways. */
export interface RosterChange {
  readonly type: 'joined' | 'left';
  readonly member: Member;
}

/** The part of a wire protocol for members. Pure, as the rest of the codec. */
export interface Membership<State = unknown> {
  identify(connection: ConnectionInfo): Identity;
  event(state: State, event: MemberEvent, now: number): readonly Effect[];
  /** The frame for the other members, made once for all of them. Null: none. */
  announce(change: RosterChange, now: number): Frame | null;
  /** Names of all members in the order of their joining: for each new client, and for all clients now and then. */
  list(names: readonly string[], now: number): Frame | null;
}
