import type { Observable } from 'rxjs';
import type { Batch } from './batch.ts';
import type { Message } from './message.ts';

/** Where a pipeline's batches come from. Retry, tracing, metrics and back-off wrap it from outside. */
export interface Source {
  /** Hot while the source is open. An error makes the pipeline close the source and open a new one after a pause. */
  readonly batches$: Observable<Batch>;
  /** Resolves when nothing that arrives from now on is missed. */
  open(): Promise<void>;
  /** Asks the source to hold. What it had read already may still come. */
  pause(): void;
  resume(): void;
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
  close(): Promise<void>;
}

type Processed = Message | readonly Message[] | null;

/** Changes messages one at a time. */
export interface Processor {
  /**
   * Returns what goes on: the message itself, one made with `derive`, several made with `split`, or null for a message
   * that ends here and counts as done. What it throws fails this message alone; only an error whose `next` is
   * `retry` is tried again.
   */
  process(message: Message): Processed | Promise<Processed>;
  close?(): void;
}

/** Changes the flow itself: reorders, windows, joins. Must settle or pass on whatever it takes. */
export interface Operator {
  apply(batches$: Observable<Batch>): Observable<Batch>;
}

/** A WebSocket data frame's content. */
export interface Frame {
  readonly data: Buffer | string;
  readonly binary: boolean;
}

/** What a codec knows of a new connection. */
export interface ConnectionInfo {
  /** Unique among all gateways. */
  readonly clientId: string;
  readonly endpoint: string;
  /** Parameters of the endpoint's path, percent-decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
}

/** What a codec wants done. The list is open: later protocols add to it. */
export type Effect =
  /** Hand a message to the pipelines; `settled` is asked for the answer, in the order of the frames. */
  | { readonly type: 'publish'; readonly message: CodecMessage; readonly correlation?: unknown }
  /** Say this to the client, in the order of the frames. */
  | { readonly type: 'reply'; readonly frame: Frame; readonly rejected?: string }
  | { readonly type: 'close'; readonly code: number; readonly reason: string };

/** Content of a message that a codec publishes; the connection adds where it came from. */
export interface CodecMessage {
  readonly payload: Buffer;
  readonly key?: string | Buffer | null;
  readonly headers?: Readonly<Record<string, string | Buffer>>;
  readonly json?: unknown;
  readonly timestamp?: number;
  readonly traceparent?: string;
}

/** Why a message was not acked, as a codec tells it to a client. */
export interface Rejection {
  readonly code: string;
  readonly message: string;
  /** True: the message may be in the log, or could be next time; send it again with the same id. */
  readonly retryable: boolean;
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
  /** The answer to a publish, or null for none. `rejection` is null when the log has the message. */
  settled(state: State, correlation: unknown, rejection: Rejection | null, now: number): Frame | null;
  /** How a record looks on the wire: made once for all sockets of the endpoint. Null: not for clients. */
  record(message: Message, now: number): Frame | null;
  /** How a client is told that `count` records were dropped because it was too slow. */
  dropped(count: number, now: number): Frame | null;
}
