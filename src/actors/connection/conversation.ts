import type { Effect, Frame, MemberEvent } from '../../core/component.ts';
import { type Rejection, TidegateError } from '../../core/errors.ts';
import { type CodecMessage, Message, type Meta, type Sender, type SettleTarget } from '../../core/message.ts';
import type { TopicOutcome, TopicRequest } from '../../core/topic-request.ts';
import { traceContext } from '../../core/trace-context.ts';
import { factsOf } from '../../telemetry/message-facts.ts';
import type { Handshake } from '../../telemetry/tracing.ts';
import type { Guest } from '../audience/room.ts';
import type { Client } from '../topic-service/client.ts';
import { type AnswerSink, Answers } from './answers.ts';
import type { ConnectionHome } from './home.ts';
import { closing } from './machine.ts';
import { refusedContent, whyRefused } from './refused-frame.ts';

/** Token of a refused frame: the codec has told the peer already what is wrong with it. */
const UNANSWERED = -1;
const FILTERED: Rejection = {
  code: 'TG_MESSAGE_FILTERED',
  message: 'the message was filtered out: the pipeline does not store messages such as this one',
  retryable: false,
};

/** The connection that a conversation is held over. */
export interface Line extends Guest, Client, AnswerSink {
  /** Address of the peer. */
  readonly remote: string;
  /** One message or request less is in flight. */
  settledOne(): void;
}

/**
 * What is said with one peer, by the codec: what its frames mean, which messages of it are in flight, and what it is
 * answered. A codec that throws costs its connection, and nothing else.
 */
export class Conversation<Peer extends Line> implements SettleTarget {
  private readonly peer: Peer;
  private readonly home: ConnectionHome<Peer>;
  private readonly handshake: Handshake | undefined;
  private readonly answers: Answers;
  /** The codec's own. */
  private state: unknown = undefined;
  /** Made with the first message: most connections of a broadcast never send one. */
  private meta: Meta | undefined;
  private inFlight = 0;
  private inFlightBytes = 0;
  /** Requests to the topic service that are not answered yet. */
  private requests = 0;

  constructor(peer: Peer, home: ConnectionHome<Peer>, handshake: Handshake | undefined) {
    this.peer = peer;
    this.home = home;
    this.handshake = handshake;
    this.answers = new Answers(peer);
  }

  /** For those who handle a message of the peer that failed. */
  get sender(): Sender {
    return this.peer.info;
  }

  /** Messages read and not settled yet. */
  get unsettled(): number {
    return this.inFlight;
  }

  /** Whether the peer has as much in flight as it may. */
  get isFull(): boolean {
    const { limits } = this.home;
    return this.inFlight + this.requests >= limits.messages || this.inFlightBytes >= limits.bytes;
  }

  /** Whether so little is in flight that a peer that was full may go on. */
  get isHalfFree(): boolean {
    const { limits } = this.home;
    return this.inFlight + this.requests <= limits.messages / 2 && this.inFlightBytes <= limits.bytes / 2;
  }

  // --- from the peer

  greet(): void {
    try {
      const { state, effects } = this.home.codec.open(this.peer.info, this.home.clock.now());
      this.state = state;
      this.apply(effects);
    } catch (error) {
      this.codecFailed('open', error);
    }
  }

  /** False where the codec gave the connection up. */
  take(data: Buffer, binary: boolean): boolean {
    try {
      const effects = this.home.codec.frame(this.state, data, binary, this.home.clock.now());
      if (this.home.keepsRejected) this.keepRejected(effects, data, binary);
      this.apply(effects);
      return true;
    } catch (error) {
      this.codecFailed('frame', error);
      return false;
    }
  }

  // --- from elsewhere in the gateway

  /** Something happened to the peer as a member of its room. */
  hear(event: MemberEvent): void {
    try {
      this.apply(this.home.codec.membership?.event(this.state, event, this.home.clock.now()) ?? []);
    } catch (error) {
      this.codecFailed('event', error);
    }
  }

  /** Says something to this peer alone, in its turn among the answers. */
  inform(frame: Buffer): void {
    this.answers.sayNow(frame);
  }

  /** Tells what became of a request that the topic service was asked. */
  served(correlation: unknown, outcome: TopicOutcome): void {
    this.requests -= 1;
    this.respond(correlation, outcome);
    this.peer.settledOne();
  }

  private respond(correlation: unknown, outcome: TopicOutcome): void {
    this.home.figures.answered(outcome.ok ? null : outcome.rejection);
    if (!this.peer.isOpen) return;
    try {
      const frame = this.home.codec.topics?.answered(this.state, correlation, outcome, this.home.clock.now()) ?? null;
      if (frame !== null) this.answers.sayNow(this.home.encode(frame));
    } catch (error) {
      this.codecFailed('answered', error);
    }
  }

  /** Records of the peer's subscription as one frame; null where the codec has none. */
  notice(messages: readonly Message[]): Buffer | null {
    try {
      const frame = this.home.codec.topics?.notify(this.state, messages, this.home.clock.now());
      return frame === undefined ? null : this.home.encode(frame);
    } catch (error) {
      this.codecFailed('notify', error);
      return null;
    }
  }

  /** How the peer is told of so many dropped records, as a frame; null for not at all. */
  dropNotice(count: number): Buffer | null {
    try {
      const notice = this.home.codec.dropped(count, this.home.clock.now());
      return notice === null ? null : this.home.encode(notice);
    } catch (error) {
      this.codecFailed('dropped', error);
      return null;
    }
  }

  // --- from the pipelines

  settled(message: Message, failure: TidegateError | null): void {
    this.inFlight -= 1;
    this.inFlightBytes -= message.cost;
    if (message.token !== UNANSWERED) this.tell(message, failure);
    this.peer.settledOne();
  }

  // --- what the codec wants

  private apply(effects: readonly Effect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'publish':
          this.publish(effect);
          break;
        case 'reply':
          this.reply(effect.frame, effect.rejected);
          break;
        case 'close':
          this.peer.dismiss(effect);
          break;
        case 'direct':
          (this.home.room ?? missing('room')).direct(this.peer, effect.to, effect.content);
          break;
        case 'kick':
          (this.home.room ?? missing('room')).kick(this.peer, effect.target);
          break;
        case 'request':
          this.request(effect.request, effect.correlation);
          break;
      }
    }
  }

  private publish({ message: content, correlation }: Extract<Effect, { type: 'publish' }>): void {
    this.home.collect(this.begin(content, this.home.codec.answers ? this.answers.open(correlation) : 0, correlation));
  }

  private request(request: TopicRequest, correlation: unknown): void {
    const topics = this.home.topics ?? missing('topics');
    if (request.type !== 'publish') {
      this.requests += 1;
      topics.request(this.peer, request, correlation);
      return;
    }
    const refusal = topics.refusal(request.topic);
    if (refusal !== undefined) {
      this.traceRefusal(refusal.code, refusal.message);
      this.respond(correlation, { ok: false, rejection: rejectionOf(refusal) });
    } else topics.publish(request.topic, this.begin(request.message, this.answers.remember(correlation), correlation));
  }

  /** A frame that the codec refuses goes to the pipeline as a message that has failed already. */
  private keepRejected(effects: readonly Effect[], data: Buffer, binary: boolean): void {
    const reason = whyRefused(effects);
    if (reason === undefined) return;
    const message = this.begin(refusedContent(data, binary), UNANSWERED, undefined);
    const what = `endpoints.${this.peer.info.endpoint}: the codec refused the frame ${reason}`;
    message.refusal = new TidegateError('TG_MESSAGE_INVALID', what);
    this.home.collect(message);
  }

  private reply(frame: Frame, rejected: string | undefined): void {
    if (rejected !== undefined) {
      this.home.figures.rejected(rejected);
      this.traceRefusal(rejected, frame.data);
    }
    this.answers.say(this.home.encode(frame));
  }

  private traceRefusal(reason: string, answer: string | Buffer): void {
    const { tracing } = this.home;
    if (!tracing.enabled) return;
    const { endpoint, clientId, params } = this.peer.info;
    tracing.refusedFrame(endpoint, clientId, this.handshake, params, reason, String(answer));
  }

  /** A message of this peer on its way. `token`: where its outcome is to be told; `id`: what the peer calls it, if anything. */
  private begin(content: CodecMessage, token: number, id: unknown): Message {
    const message = new Message(content.payload, {
      ...content,
      meta: this.sharedMeta(),
      timestamp: content.timestamp ?? this.home.clock.now(),
      target: this,
      token,
      ...(content.traceparent === undefined ? {} : { trace: traceContext(content.traceparent) }),
    });
    message.cost = message.size;
    this.inFlight += 1;
    this.inFlightBytes += message.cost;
    const { endpoint, clientId, params } = this.peer.info;
    if (this.home.tracing.enabled) this.home.tracing.received(message, endpoint, clientId, this.handshake, params, id);
    return message;
  }

  private sharedMeta(): Meta {
    const { clientId, endpoint, params } = this.peer.info;
    this.meta ??= { ...params, client_id: clientId, endpoint, remote: this.peer.remote };
    return this.meta;
  }

  // --- what became of it

  private tell(message: Message, failure: TidegateError | null): void {
    if (this.home.codec.answers) this.answer(message, failure);
    else if (this.home.codec.topics !== undefined) this.published(message, failure);
    else if (failure !== null) this.fail(message, failure);
  }

  private answer({ token: slot, outcome }: Message, failure: TidegateError | null): void {
    const isFiltered = failure === null && outcome === 'filtered';
    const rejection =
      failure !== null ? rejectionOf(failure) : isFiltered && this.home.filteredIsError ? FILTERED : null;
    this.home.figures.answered(rejection, outcome);
    const correlation = this.answers.correlation(slot);
    let frame: Frame | null = null;
    try {
      frame = this.home.codec.settled(this.state, correlation, rejection, this.home.clock.now(), outcome);
    } catch (error) {
      this.codecFailed('settled', error);
    }
    this.answers.fill(slot, frame === null ? null : this.home.encode(frame));
  }

  private published(message: Message, failure: TidegateError | null): void {
    const correlation = this.answers.recall(message.token);
    const { topic = '', partition, offset } = message;
    this.respond(
      correlation,
      failure === null
        ? { ok: true, result: { type: 'published', position: { topic, partition, offset } } }
        : { ok: false, rejection: rejectionOf(failure) },
    );
  }

  /** A codec without answers has no other way to say that a message is lost. */
  private fail(message: Message, failure: TidegateError): void {
    if (!this.peer.isOpen) return;
    this.home.logger.warn(
      { ...factsOf(message), code: failure.code, client_id: this.peer.info.clientId },
      `closing a client, its message failed: ${failure.message}`,
    );
    if (failure.code === 'TG_NOT_ALLOWED') this.peer.dismiss(closing('unsupported', 'no messages are taken here'));
    else this.peer.dismiss(closing('failed', 'message failed'));
  }

  private codecFailed(step: string, error: unknown): void {
    const client_id = this.peer.info.clientId;
    this.home.logger.error({ error, client_id }, `the codec failed (${step}), closing its client`);
    this.peer.dismiss(closing('failed'));
  }
}

function rejectionOf({ code, message, retryable }: TidegateError): Rejection {
  return { code, message, retryable };
}

/** A codec asks for what its endpoint was not given: its spec says something else than it does. */
function missing(what: string): never {
  throw new Error(`this endpoint has no ${what}, though its codec asks for it`);
}
