import { createActor } from 'xstate';
import type { ConnectionInfo, Effect, Farewell, Frame, MemberEvent } from '../../core/component.ts';
import type { Rejection, TidegateError } from '../../core/errors.ts';
import { type CodecMessage, Message, type Meta, type SettleTarget } from '../../core/message.ts';
import type { Socket, SocketHandler } from '../../core/socket.ts';
import type { TopicOutcome, TopicRequest } from '../../core/topic-request.ts';
import type { Handshake } from '../../telemetry/tracing.ts';
import { tell } from '../lifecycle.ts';
import { type AnswerSink, Answers } from './answers.ts';
import type { ConnectionHome } from './home.ts';
import { type ConnectionActor, type ConnectionControl, closing, connectionMachine } from './machine.ts';
import { Outbound, type OutboundOwner } from './outbound.ts';
import { numberOf, numberPayload } from './pings.ts';

/**
 * The data side of one live socket: frames in by the codec, answers out in the order of the frames, records out by
 * the send queue. What it may do when is decided by its machine.
 */
export class Connection implements SocketHandler, SettleTarget, ConnectionControl, OutboundOwner, AnswerSink {
  /** What the codec knows; the client's ID is its name in the room once it is let in. */
  info: ConnectionInfo;
  readonly socket: Socket;
  readonly actor: ConnectionActor;
  /** Seconds on the endpoint's clock at which something came from the peer, was sent, or began; see the sweep. */
  heardAt: number;
  pingedAt: number;
  stuckSince: number;
  partialSince = 0;
  closingSince = 0;
  lastDelivered = 0;
  isHeld = false;
  isAdmitted: boolean;
  private readonly home: ConnectionHome<Connection>;
  /** Made with the first message: most connections of a broadcast never send one. */
  private meta: Meta | undefined;
  private readonly handshake: Handshake | undefined;
  private state: unknown = undefined;
  /** Frames that came before the client was let in. */
  private early: { readonly data: Buffer; readonly binary: boolean }[] | undefined;
  private readonly answers: Answers;
  private readonly outbound: Outbound;
  isOpen = true;
  private isDraining = false;
  private isGone = false;
  private inFlight = 0;
  private inFlightBytes = 0;

  constructor(
    home: ConnectionHome<Connection>,
    socket: Socket,
    info: ConnectionInfo,
    handshake: Handshake | undefined,
  ) {
    this.home = home;
    this.socket = socket;
    this.info = info;
    this.handshake = handshake;
    this.outbound = new Outbound(socket, home, this);
    this.answers = new Answers(this);
    this.heardAt = home.seconds;
    this.pingedAt = home.seconds;
    this.stuckSince = home.seconds;
    this.isAdmitted = !home.isGuarded;
    // As part of the audience's actor system, without being its child: half the memory of a root actor, none of the
    // copying of children, and an error that is thrown reaches the audience.
    this.actor = createActor(connectionMachine, { id: info.clientId, input: { connection: this }, parent: home.actor });
    this.actor.start();
    socket.attach(this);
    if (this.isAdmitted) this.greet();
  }

  /** Messages read and not settled yet. */
  get unsettled(): number {
    return this.inFlight;
  }

  get isAnswered(): boolean {
    return this.inFlight === 0;
  }

  /** Bytes held for this peer, in both directions; none where it is on its way out, as nobody can free them sooner. */
  get heldBytes(): number {
    if (!this.isOpen) return 0;
    return this.socket.partial + this.queuedBytes;
  }

  get queuedBytes(): number {
    return this.outbound.queuedBytes;
  }

  get mayRelease(): boolean {
    const { limits } = this.home;
    return (
      this.isAdmitted &&
      !this.home.isCongested &&
      this.inFlight <= limits.messages / 2 &&
      this.inFlightBytes <= limits.bytes / 2 &&
      this.outbound.answersAreTaken
    );
  }

  // --- from the socket

  onFrame(data: Buffer, binary: boolean): void {
    if (!this.isOpen) return;
    this.home.figures.framesReceived.value += 1;
    this.home.figures.bytesReceived.value += data.length;
    this.heardAt = this.home.seconds;
    this.partialSince = 0;
    if (!this.isAdmitted) {
      this.early ??= [];
      this.early.push({ data, binary });
    } else if (!this.take(data, binary)) return;
    if (!this.isHeld && this.mustHold()) tell(this.actor, { type: 'HOLD' });
  }

  onPong(payload: Buffer): void {
    this.heardAt = this.home.seconds;
    const number = numberOf(payload);
    if (number === undefined) this.home.figures.pong(payload);
    else this.home.topics?.ponged(this, number);
  }

  onDrain(): void {
    if (!this.isOpen) return;
    this.outbound.drained();
    this.home.topics?.drained(this);
    if (this.isHeld && !this.isDraining && this.mayRelease) tell(this.actor, { type: 'RELEASE' });
  }

  onClose(code: number, reason: string): void {
    this.home.closed(this, code, reason);
    tell(this.actor, { type: 'GONE' });
    // A machine that failed cannot say so any more.
    if (!this.isGone) this.gone();
  }

  // --- from the room

  /** The client is in, under the name that all gateways know it by; what it said meanwhile is heard now. */
  admit(name: string): void {
    if (!this.isOpen || this.isAdmitted) return;
    this.info = { ...this.info, clientId: name };
    this.isAdmitted = true;
    tell(this.actor, { type: 'ADMIT' });
    this.greet();
    const { early } = this;
    this.early = undefined;
    for (const { data, binary } of early ?? []) if (this.isOpen) this.take(data, binary);
    if (!this.isHeld || !this.isOpen) return;
    if (this.mayRelease) this.release();
    else tell(this.actor, { type: 'HOLD' });
  }

  /** Something happened to the client as a member of its room. */
  hear(event: MemberEvent): void {
    if (!this.isOpen || !this.isAdmitted) return;
    try {
      this.apply(this.home.codec.membership?.event(this.state, event, this.home.clock.now()) ?? []);
    } catch (error) {
      this.codecFailed('event', error);
    }
  }

  /** Says something of the room's to this client alone, in its turn among the answers. */
  inform(frame: Buffer): void {
    if (this.isAdmitted) this.answers.sayNow(frame);
  }

  dismiss({ code, reason }: Farewell): void {
    tell(this.actor, { type: 'CLOSE', code, reason });
  }

  // --- from the topic service

  /** Whether what is written now goes out at once. */
  get isFree(): boolean {
    return this.isOpen && this.outbound.isFree;
  }

  respond(correlation: unknown, outcome: TopicOutcome): void {
    this.home.figures.answered(outcome.ok ? null : outcome.rejection);
    if (!this.isOpen) return;
    try {
      const frame = this.home.codec.topics?.answered(this.state, correlation, outcome, this.home.clock.now()) ?? null;
      if (frame !== null) this.answers.sayNow(this.home.encode(frame));
    } catch (error) {
      this.codecFailed('answered', error);
    }
  }

  notify(messages: readonly Message[]): void {
    if (!this.isOpen || this.home.codec.topics === undefined) return;
    try {
      const frame = this.home.codec.topics.notify(this.state, messages, this.home.clock.now());
      this.outbound.deliverAtOnce(this.home.encode(frame));
    } catch (error) {
      this.codecFailed('notify', error);
    }
  }

  ping(number: number): void {
    if (this.isOpen) this.socket.ping(numberPayload(number));
  }

  // --- from the pipelines

  settled(message: Message, failure: TidegateError | null): void {
    this.inFlight -= 1;
    this.inFlightBytes -= message.cost;
    if (this.home.codec.answers) this.answer(message.token, failure);
    else if (this.home.codec.topics !== undefined) this.published(message, failure);
    else if (failure !== null) this.fail(failure);
    if (this.isGone && this.inFlight === 0) this.home.left(this);
    if (!this.isOpen) return;
    if (this.isDraining) {
      if (this.inFlight === 0) tell(this.actor, { type: 'ANSWERED' });
    } else if (this.isHeld && this.mayRelease) tell(this.actor, { type: 'RELEASE' });
  }

  /** Records of one turn for this socket: `chunk` is the same frames in one piece, for a socket that keeps up. */
  deliver(chunk: Buffer, frames: readonly Buffer[]): void {
    if (this.isOpen && this.isAdmitted) this.outbound.deliver(chunk, frames);
  }

  /** Writes this turn's answers; the endpoint calls it once a turn. */
  flush(): void {
    this.outbound.flush();
  }

  // --- from what it has to say

  openOutbox(): Buffer[] {
    return this.outbound.openOutbox();
  }

  // --- from the writing side

  answersWait(): void {
    this.home.dirty(this);
  }

  answersPileUp(): void {
    if (!this.isHeld) tell(this.actor, { type: 'HOLD' });
  }

  tooSlow(): void {
    tell(this.actor, closing('slow'));
  }

  dropNotice(count: number): Buffer | null {
    try {
      const notice = this.home.codec.dropped(count, this.home.clock.now());
      return notice === null ? null : this.home.encode(notice);
    } catch (error) {
      this.codecFailed('dropped', error);
      return null;
    }
  }

  // --- orders of the machine

  hold(): void {
    this.isHeld = true;
    this.socket.pause();
    this.home.held(this, true);
  }

  drain(): void {
    this.isDraining = true;
    this.hold();
  }

  release(): void {
    this.isHeld = false;
    // The time spent unread says nothing about the peer: its clock starts afresh.
    this.heardAt = this.home.seconds;
    this.pingedAt = this.home.seconds;
    this.partialSince = 0;
    this.home.held(this, false);
    this.socket.resume();
  }

  close(code: number, reason: string): void {
    this.outbound.finish();
    this.isOpen = false;
    this.closingSince = this.home.seconds;
    this.home.held(this, false);
    // A paused socket never sees the peer's close frame.
    this.socket.resume();
    this.socket.close(code, reason);
  }

  gone(): void {
    this.isGone = true;
    this.isOpen = false;
    this.home.held(this, false);
    this.early = undefined;
    this.outbound.discard();
    this.home.gone(this);
    if (this.inFlight === 0) this.home.left(this);
  }

  // --- within

  private greet(): void {
    try {
      const { state, effects } = this.home.codec.open(this.info, this.home.clock.now());
      this.state = state;
      this.apply(effects);
    } catch (error) {
      this.codecFailed('open', error);
    }
  }

  /** False where the codec gave the connection up. */
  private take(data: Buffer, binary: boolean): boolean {
    try {
      this.apply(this.home.codec.frame(this.state, data, binary, this.home.clock.now()));
      return true;
    } catch (error) {
      this.codecFailed('frame', error);
      return false;
    }
  }

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
          this.dismiss(effect);
          break;
        case 'direct':
          (this.home.room ?? missing('room')).direct(this, effect.to, effect.content);
          break;
        case 'kick':
          (this.home.room ?? missing('room')).kick(this, effect.target);
          break;
        case 'request':
          this.request(effect.request, effect.correlation);
          break;
      }
    }
  }

  private publish({ message: content, correlation }: Extract<Effect, { type: 'publish' }>): void {
    this.home.collect(this.begin(content, this.home.codec.answers ? this.answers.open(correlation) : 0));
  }

  private request(request: TopicRequest, correlation: unknown): void {
    const topics = this.home.topics ?? missing('topics');
    if (request.type !== 'publish') {
      topics.request(this, request, correlation);
      return;
    }
    const refusal = topics.refusal(request.topic);
    if (refusal !== undefined) this.respond(correlation, { ok: false, rejection: rejectionOf(refusal) });
    else topics.publish(request.topic, this.begin(request.message, this.answers.remember(correlation)));
  }

  /** A message of this connection on its way. `token`: where its outcome is to be told. */
  private begin(content: CodecMessage, token: number): Message {
    const message = new Message(content.payload, {
      ...content,
      meta: this.sharedMeta(),
      timestamp: content.timestamp ?? this.home.clock.now(),
      target: this,
      token,
      ...(content.traceparent === undefined ? {} : { trace: { traceparent: content.traceparent } }),
    });
    message.cost = message.size;
    this.inFlight += 1;
    this.inFlightBytes += message.cost;
    if (this.home.tracing.enabled)
      this.home.tracing.received(message, this.info.endpoint, this.info.clientId, this.handshake);
    return message;
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

  private reply(frame: Frame, rejected: string | undefined): void {
    if (rejected !== undefined) this.home.figures.rejected(rejected);
    this.answers.say(this.home.encode(frame));
  }

  private answer(slot: number, failure: TidegateError | null): void {
    const rejection = failure === null ? null : rejectionOf(failure);
    this.home.figures.answered(rejection);
    const correlation = this.answers.correlation(slot);
    let frame: Frame | null = null;
    try {
      frame = this.home.codec.settled(this.state, correlation, rejection, this.home.clock.now());
    } catch (error) {
      this.codecFailed('settled', error);
    }
    this.answers.fill(slot, frame === null ? null : this.home.encode(frame));
  }

  private sharedMeta(): Meta {
    const { clientId, endpoint, params } = this.info;
    this.meta ??= { ...params, client_id: clientId, endpoint, remote: this.socket.remote };
    return this.meta;
  }

  /** A codec without answers has no other way to say that a message is lost. */
  private fail(failure: TidegateError): void {
    if (!this.isOpen) return;
    this.home.logger.warn(
      { code: failure.code, client_id: this.info.clientId },
      `closing a client, its message failed: ${failure.message}`,
    );
    tell(this.actor, closing('failed', 'message failed'));
  }

  private mustHold(): boolean {
    const { limits } = this.home;
    return (
      !this.isAdmitted ||
      this.home.isCongested ||
      this.inFlight >= limits.messages ||
      this.inFlightBytes >= limits.bytes
    );
  }

  /** A codec that throws costs its connection, and nothing else. */
  private codecFailed(step: string, error: unknown): void {
    this.home.logger.error({ error, client_id: this.info.clientId }, `the codec failed (${step}), closing its client`);
    tell(this.actor, closing('failed'));
  }
}

function rejectionOf({ code, message, retryable }: TidegateError): Rejection {
  return { code, message, retryable };
}

/** A codec asks for what its endpoint was not given: its spec says something else than it does. */
function missing(what: string): never {
  throw new Error(`this endpoint has no ${what}, though its codec asks for it`);
}
