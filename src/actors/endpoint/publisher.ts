import { hasBaggage } from '../../core/baggage.ts';
import type { CodecMessage, Meta } from '../../core/content.ts';
import { type Rejection, TidegateError } from '../../core/errors.ts';
import { type Headers, NO_HEADERS } from '../../core/headers.ts';
import { Message, type Sender, type SettleTarget, type TraceContext } from '../../core/message.ts';
import { ownText } from '../../core/propagation.ts';
import { quoteReason } from '../../core/quote.ts';
import { withoutTokens } from '../../core/secrets.ts';
import { factsOf } from '../../telemetry/message-facts.ts';
import type { Handshake } from '../../telemetry/tracing.ts';
import { Answers } from './answers.ts';
import { closing } from './connection-machine.ts';
import type { EndpointContext } from './endpoint-context.ts';
import type { Outbound } from './outbound.ts';
import type { Peer } from './peer.ts';
import { refusedContent } from './refused-frame.ts';

/** Token of a refused frame: the codec has answered the peer already with what is wrong. */
const UNANSWERED = -1;
const NO_FIELDS: Readonly<Record<string, string>> = Object.freeze({});
const FILTERED: Rejection = {
  code: 'TG_MESSAGE_FILTERED',
  message: 'the message was filtered out: the pipeline does not store messages such as this one',
  retryable: false,
};

/** The messages of one client: made of what its frames say, counted while they are in flight, and answered in order. */
export class Publisher implements SettleTarget {
  readonly answers: Answers;
  /** Messages read and not settled yet, and the bytes that they count for. */
  inFlight = 0;
  inFlightBytes = 0;
  private readonly peer: Peer;
  private readonly context: EndpointContext;
  private readonly handshake: Handshake | undefined;
  /** What the handshake carried: each message of the peer has it that brings none. */
  private readonly baggage: Headers | undefined;
  /** Made with the first message: most connections of a broadcast never send one. */
  private meta: Meta | undefined;
  /** The same with the channel that was published to last, or the method that was called. */
  private askedMeta: Meta | undefined;

  constructor(
    peer: Peer,
    context: EndpointContext,
    outbound: Outbound,
    handshake: Handshake | undefined,
    baggage: Headers | undefined,
  ) {
    this.peer = peer;
    this.context = context;
    this.handshake = handshake;
    this.baggage = baggage;
    this.answers = new Answers(outbound);
  }

  /** For reports about a message of the peer that failed. */
  get sender(): Sender {
    return this.peer.info;
  }

  /** `channel`: what it is published to, if it is. */
  publish(content: CodecMessage, correlation: unknown, channel?: string): void {
    const token = this.context.codec.answers ? this.answers.open(correlation) : 0;
    this.context.tick.collect(this.begin(content, token, correlation, this, channel));
  }

  /** A message that no pipeline gets; only for codecs with answers. */
  refuse(content: CodecMessage, correlation: unknown, refusal: TidegateError): void {
    this.begin(content, this.answers.open(correlation), correlation, this).nack(refusal);
  }

  /** A frame that the codec refuses goes to the pipeline as a message that has failed already. */
  publishRefused(data: Buffer, binary: boolean, reason: string): void {
    const message = this.begin(refusedContent(data, binary), UNANSWERED, undefined, this);
    const what = `endpoints.${this.peer.info.endpoint}: the codec refused the frame ${reason}`;
    message.refusal = new TidegateError('TG_MESSAGE_INVALID', what);
    this.context.tick.collect(message);
  }

  /** A direct message or a kick counts as a message in flight until what is returned is called. */
  began(cost: number): () => void {
    this.inFlight += 1;
    this.inFlightBytes += cost;
    return () => {
      this.inFlight -= 1;
      this.inFlightBytes -= cost;
      this.peer.settledOne();
    };
  }

  /** A message of this peer. `token`: the answer that takes its outcome; `id`: the peer's own, if it gave one. */
  begin(content: CodecMessage, token: number, id: unknown, target: SettleTarget, channel?: string): Message {
    const { context, peer } = this;
    const message = new Message(content.payload, {
      key: content.key,
      headers: this.headersOf(content),
      meta: this.metaOf(channel, content.method),
      timestamp: content.timestamp ?? context.clock.now(),
      trace: this.traceOf(content),
      json: content.json,
      target,
      token,
    });
    message.cost = message.size;
    this.inFlight += 1;
    this.inFlightBytes += message.cost;
    if (context.tracing.enabled) {
      const { endpoint, clientId, params } = peer.info;
      context.tracing.received(message, endpoint, clientId, this.handshake, params, id);
    }
    return message;
  }

  /** The message is in flight no longer. */
  landed(message: Message): void {
    this.inFlight -= 1;
    this.inFlightBytes -= message.cost;
  }

  settled(message: Message, failure: TidegateError | null): void {
    this.landed(message);
    if (message.token !== UNANSWERED) {
      if (this.context.codec.answers) this.answer(message, failure);
      else if (failure !== null) this.fail(message, failure);
    }
    this.peer.settledOne();
  }

  traceRefusal(reason: string, answer: string | Buffer): void {
    const { tracing } = this.context;
    if (!tracing.enabled) return;
    const { endpoint, clientId, params } = this.peer.info;
    tracing.refusedFrame(endpoint, clientId, this.handshake, params, reason, String(answer));
  }

  private traceOf(content: CodecMessage): TraceContext | undefined {
    if (content.fields === undefined && content.traceparent === undefined) return undefined;
    return this.context.propagation.read(content.fields ?? content, ownText);
  }

  /** The headers of a message with its baggage, or with that of the handshake where it has none, and with its member's gateway. */
  private headersOf(content: CodecMessage): Headers {
    const { baggage, room } = this.context;
    const headers = (baggage === undefined ? content.headers : this.laden(content)) ?? NO_HEADERS;
    if (room === undefined) return headers;
    return headers.length === 0 ? room.authorship : [...headers, ...room.authorship];
  }

  private laden({ headers, fields }: CodecMessage): Headers | undefined {
    const { baggage } = this.context;
    if (baggage === undefined || (headers !== undefined && hasBaggage(headers))) return headers;
    const own = fields === undefined ? NO_HEADERS : baggage.read(fields, ownText);
    const carried = own.length > 0 ? own : (this.baggage ?? NO_HEADERS);
    return carried.length === 0 ? headers : [...(headers ?? NO_HEADERS), ...carried];
  }

  /** Messages that come from now on are of another identity. */
  forgetMeta(): void {
    this.meta = undefined;
    this.askedMeta = undefined;
  }

  /** One object for the messages to one channel, or calls of one method, that come one after another. */
  private metaOf(channel: string | undefined, method: string | undefined): Meta {
    const meta = this.meta ?? this.makeMeta();
    if (channel === undefined && method === undefined) return meta;
    const { askedMeta } = this;
    if (askedMeta !== undefined && askedMeta.channel === channel && askedMeta.method === method) return askedMeta;
    this.askedMeta = { ...meta, ...(channel !== undefined && { channel }), ...(method !== undefined && { method }) };
    return this.askedMeta;
  }

  private makeMeta(): Meta {
    const { info, remote, session } = this.peer;
    const { clientId, endpoint, params, query, headers = NO_FIELDS } = info;
    const shown = withoutTokens(query, this.context.tokenParameters);
    // A path may have had a parameter with one of the first two names before there were any.
    const facts = { query: shown, headers, ...params, client_id: clientId, endpoint, remote };
    const identity = session?.access.identity;
    this.meta = identity === undefined ? facts : { ...facts, auth: identity.claims };
    return this.meta;
  }

  private answer({ token: slot, outcome }: Message, failure: TidegateError | null): void {
    const { context, answers, peer } = this;
    const isFiltered = failure === null && outcome === 'filtered';
    const rejection = failure !== null ? rejectionOf(failure) : isFiltered && context.filteredIsError ? FILTERED : null;
    context.metrics.answered(rejection, outcome);
    const correlation = answers.correlation(slot);
    let answer: Buffer | null = null;
    try {
      const frame = context.codec.settled(peer.state, correlation, rejection, context.clock.now(), outcome);
      if (frame !== null) answer = context.encode(frame, peer.wire);
    } catch (error) {
      peer.codecFailed('settled', error);
    }
    answers.fill(slot, answer);
  }

  /** A codec without answers has no other way to say that a message is lost. */
  private fail(message: Message, failure: TidegateError): void {
    const { peer } = this;
    if (!peer.isOpen) return;
    this.context.logger.warn(
      { ...factsOf(message), code: failure.code, client_id: peer.info.clientId },
      `closing a client, its message failed: ${failure.message}`,
    );
    if (failure.code === 'TG_NOT_ALLOWED') peer.dismiss(closing('unsupported', 'no messages are taken here'));
    else peer.dismiss(closing('failed', 'message failed'));
  }
}

export function rejectionOf({ code, message, retryable }: TidegateError): Rejection {
  return { code, message: quoteReason(message), retryable };
}
