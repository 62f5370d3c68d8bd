import type { SpanContext } from '@opentelemetry/api';
import type { TidegateError } from '../core/errors.ts';
import type { Refusal } from '../core/log.ts';
import type { Message } from '../core/message.ts';
import type { Field } from '../core/trace-format.ts';

/** What the tracer uses of a handshake. */
export interface HandshakeRequest {
  /** Header names in lower case, as node:http has them. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly query: Readonly<Record<string, string>>;
  /** Parameters of the endpoint's path. */
  readonly params?: Readonly<Record<string, string>>;
  /** The path as configured, with its parameters unfilled: it names the span. */
  readonly route: string;
  readonly endpoint: string;
  /** Path and query as the client sent them; a `traceparent` or token in the query does not reach the span. */
  readonly url: string;
  /** Whether its connection has TLS. */
  readonly isSecure?: boolean;
}

/** The span of a handshake that is being recorded. */
export interface Handshake {
  /** What the messages of the connection link to. */
  readonly context: SpanContext;
  /** `status` is the HTTP status of the answer, 101 where the connection was opened. */
  end(status: number): void;
}

/** The span of a handshake with a server that is dialled. */
export interface Dial {
  /** Headers that carry the trace to the server. */
  readonly fields: readonly Field[];
  /** `failure`: why there is no connection, in words that may be shown. A second call does nothing. */
  end(failure?: string): void;
}

/** The spans of one step over one batch. */
export interface BatchSpan {
  /** Trace of the newest message that has one. */
  readonly traceId?: string | undefined;
  /** Call exactly once, when the step is over; `failure` where the batch as a whole failed, `refusals` where a lane took the rest. */
  end(failure?: TidegateError, refusals?: readonly Refusal[]): void;
}

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** The span of something that a component does for a message. */
export interface ComponentSpan {
  /** Whether it is recorded: ask before you compute what is costly. */
  readonly isRecorded: boolean;
  /** Headers that carry the trace to a service that is called; none where it is not recorded. */
  readonly headers: Readonly<Record<string, string>>;
  set(attributes: SpanAttributes): void;
  /** Call once, when it is over; `failure`: an error that was thrown, or why it failed. */
  end(failure?: unknown): void;
}

/** Only the list is looked at, so a Batch will do. */
export interface Messages {
  readonly messages: readonly Message[];
}

/**
 * Puts the six steps of a sampled message into one trace: receive, process PIPELINE, send, process TOPIC, process
 * PIPELINE for the pipeline that reads the topic, deliver.
 * `message.trace` is what travels in headers, `message.span` the step that this process is in. A message that is not
 * sampled costs a comparison a step.
 */
export interface Tracing {
  readonly enabled: boolean;
  /**
   * The HTTP SERVER span of a WebSocket handshake; it continues the trace of header or query. undefined when
   * this handshake is not recorded.
   */
  handshake(request: HandshakeRequest): Handshake | undefined;
  /**
   * `dial COMPONENT`, the handshake with a remote server; undefined where this one is not recorded. `url` is shown, so
   * it holds no secrets.
   */
  dialling(component: string, url: string): Dial | undefined;
  /**
   * Step 1, `receive ENDPOINT`: decides whether the message is sampled. `message.trace` is the frame's own context, or
   * undefined; it goes on unsampled where the client asks for more than `max_per_second`. `params` are those of the
   * endpoint's path, `id` is what the client calls the message, if it is text or a number.
   */
  received(
    message: Message,
    endpoint: string,
    clientId: string,
    handshake: Handshake | undefined,
    params?: Readonly<Record<string, string>>,
    id?: unknown,
  ): void;
  /** A frame that became no message: its trace has step 1 only. `answer`: what the client receives, as text. */
  refusedFrame(
    endpoint: string,
    clientId: string,
    handshake: Handshake | undefined,
    params: Readonly<Record<string, string>>,
    reason: string,
    answer: string,
  ): void;
  /** The message failed in the step that it is in. Does nothing for a message that is not sampled, or whose step is over. */
  failed(message: Message, failure: TidegateError): void;
  /** `processor` ended the message on purpose, in the step that it is in. Does nothing for a message that is not sampled. */
  filtered(message: Message, processor: string): void;
  /** A span within the step that the message, or the newest sampled one of a batch, is in. */
  component(of: Message | Messages, name: string, attributes?: SpanAttributes): ComponentSpan;
  /** Step 2, and 5 where a topic is read, `process PIPELINE`. */
  processing(batch: Messages, pipeline: string): BatchSpan;
  /** Step 3, `send TOPIC`: sets `message.trace` of each sampled message, so call it before the lane writes headers. */
  sending(messages: readonly Message[], topic: string): BatchSpan;
  /** Step 4, `process TOPIC` for each record whose `message.trace` is sampled; `poll TOPIC` where batches are traced. */
  polled(batch: Messages, topic: string, group: string | undefined): void;
  /** Step 6, `deliver ENDPOINT`: one span per sampled record, ended by the call that says how many sockets took it. */
  delivering(batch: Messages, endpoint: string): (sockets: number) => void;
}

export const NO_SPAN: BatchSpan = { end() {} };
export const NO_COMPONENT_SPAN: ComponentSpan = Object.freeze({
  isRecorded: false,
  headers: Object.freeze({}),
  set() {},
  end() {},
});
export const NOT_COUNTED = () => {};

/** Tracing that is switched off. */
export const NO_TRACING: Tracing = {
  enabled: false,
  handshake: () => undefined,
  dialling: () => undefined,
  received() {},
  refusedFrame() {},
  failed() {},
  filtered() {},
  component: () => NO_COMPONENT_SPAN,
  processing: () => NO_SPAN,
  sending: () => NO_SPAN,
  polled() {},
  delivering: () => NOT_COUNTED,
};
