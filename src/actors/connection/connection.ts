import { createActor } from 'xstate';
import { AnswerQueue } from '../../core/answer-queue.ts';
import type { ConnectionInfo, Effect, Frame } from '../../core/component.ts';
import type { TidegateError } from '../../core/errors.ts';
import { Message, type Meta, type SettleTarget } from '../../core/message.ts';
import { SendQueue } from '../../core/send-queue.ts';
import type { Socket, SocketHandler } from '../../core/socket.ts';
import type { Handshake } from '../../telemetry/tracing.ts';
import { tell } from '../lifecycle.ts';
import type { ConnectionHome } from './home.ts';
import { type ConnectionActor, type ConnectionControl, closing, connectionMachine } from './machine.ts';

/** Bytes that may wait in the network socket before frames go to the send queue, where the policy rules. */
const SOCKET_MARK = 65_536;
/** A client that lets so many bytes of answers pile up is not read until it takes them. */
const ANSWERS_MARK = 262_144;

/**
 * The data side of one live socket: frames in by the codec, answers out in the order of the frames, records out by
 * the send queue. What it may do when is decided by its machine.
 */
export class Connection implements SocketHandler, SettleTarget, ConnectionControl {
  readonly info: ConnectionInfo;
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
  private readonly home: ConnectionHome<Connection>;
  /** Made with the first message: most connections of a broadcast never send one. */
  private meta: Meta | undefined;
  private readonly handshake: Handshake | undefined;
  private readonly state: unknown = undefined;
  /** Only while answers are due. */
  private answers: AnswerQueue | undefined;
  /** Answers of this turn; they leave in one write. */
  private outbox: Buffer[] | undefined;
  private queue: SendQueue | undefined;
  private awaitsDrain = false;
  private isOpen = true;
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
    this.heardAt = home.seconds;
    this.pingedAt = home.seconds;
    this.stuckSince = home.seconds;
    // As part of the audience's actor system, without being its child: half the memory of a root actor, none of the
    // copying of children, and an error that is thrown reaches the audience.
    this.actor = createActor(connectionMachine, { id: info.clientId, input: { connection: this }, parent: home.actor });
    this.actor.start();
    socket.attach(this);
    try {
      const { state, effects } = home.codec.open(info, home.clock.now());
      this.state = state;
      this.apply(effects);
    } catch (error) {
      this.codecFailed('open', error);
    }
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
    return this.queue === undefined ? 0 : this.queue.bytes;
  }

  get mayRelease(): boolean {
    const { limits } = this.home;
    return (
      !this.home.isCongested &&
      this.inFlight <= limits.messages / 2 &&
      this.inFlightBytes <= limits.bytes / 2 &&
      (this.queue === undefined || this.queue.controlBytes <= ANSWERS_MARK / 2)
    );
  }

  // --- from the socket

  onFrame(data: Buffer, binary: boolean): void {
    if (!this.isOpen) return;
    this.home.stats.framesReceived.value += 1;
    this.home.stats.bytesReceived.value += data.length;
    this.heardAt = this.home.seconds;
    this.partialSince = 0;
    try {
      this.apply(this.home.codec.frame(this.state, data, binary, this.home.clock.now()));
    } catch (error) {
      this.codecFailed('frame', error);
      return;
    }
    if (!this.isHeld && this.mustHold()) tell(this.actor, { type: 'HOLD' });
  }

  onPong(payload: Buffer): void {
    this.heardAt = this.home.seconds;
    this.home.pong(payload);
  }

  onDrain(): void {
    this.awaitsDrain = false;
    if (!this.isOpen) return;
    this.tellDrops();
    this.flushQueue();
    if (this.isHeld && !this.isDraining && this.mayRelease) tell(this.actor, { type: 'RELEASE' });
  }

  onClose(code: number, reason: string): void {
    this.home.closed(this, code, reason);
    tell(this.actor, { type: 'GONE' });
    // A machine that failed cannot say so any more.
    if (!this.isGone) this.gone();
  }

  // --- from the pipelines

  settled(message: Message, failure: TidegateError | null): void {
    this.inFlight -= 1;
    this.inFlightBytes -= message.cost;
    if (this.home.codec.answers) this.answer(message.token, failure);
    else if (failure !== null) this.fail(failure);
    if (!this.isOpen) return;
    if (this.isDraining) {
      if (this.inFlight === 0) tell(this.actor, { type: 'ANSWERED' });
    } else if (this.isHeld && this.mayRelease) tell(this.actor, { type: 'RELEASE' });
  }

  /** Records of one turn for this socket: `chunk` is the same frames in one piece, for a socket that keeps up. */
  deliver(chunk: Buffer, frames: readonly Buffer[]): void {
    if (!this.isOpen) return;
    if (this.outbox !== undefined) this.flush();
    if ((this.queue === undefined || this.queue.length === 0) && this.socket.buffered + chunk.length <= SOCKET_MARK) {
      this.write(chunk, frames.length);
      return;
    }
    this.enqueue(frames);
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
    this.flush();
    this.writeAnswers();
    this.discardQueue();
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
    this.outbox = undefined;
    this.discardQueue();
    this.home.gone(this);
  }

  // --- within

  /** Writes this turn's answers; the endpoint calls it once a turn. */
  flush(): void {
    const { outbox } = this;
    if (outbox === undefined) return;
    this.outbox = undefined;
    // An answer that waits for one before it has opened an outbox for nothing.
    if (outbox.length === 0) return;
    if ((this.queue === undefined || this.queue.length === 0) && this.socket.buffered <= SOCKET_MARK) {
      this.write(outbox.length === 1 ? (outbox[0] as Buffer) : Buffer.concat(outbox), outbox.length);
      return;
    }
    const queue = this.ensureQueue();
    for (const frame of outbox) queue.pushControl(frame);
    this.awaitDrain();
    if (!this.isHeld && queue.controlBytes > ANSWERS_MARK) tell(this.actor, { type: 'HOLD' });
  }

  private apply(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.type === 'publish') this.publish(effect);
      else if (effect.type === 'reply') this.reply(effect.frame, effect.rejected);
      else tell(this.actor, { type: 'CLOSE', code: effect.code, reason: effect.reason });
    }
  }

  private publish({ message: content, correlation }: Extract<Effect, { type: 'publish' }>): void {
    const message = new Message(content.payload, {
      ...content,
      meta: this.sharedMeta(),
      timestamp: content.timestamp ?? this.home.clock.now(),
      target: this,
      token: this.home.codec.answers ? this.openAnswer(correlation) : 0,
      ...(content.traceparent === undefined ? {} : { trace: { traceparent: content.traceparent } }),
    });
    message.cost = message.size;
    this.inFlight += 1;
    this.inFlightBytes += message.cost;
    if (this.home.tracing.enabled)
      this.home.tracing.received(message, this.info.endpoint, this.info.clientId, this.handshake);
    this.home.collect(message);
  }

  private reply(frame: Frame, rejected: string | undefined): void {
    if (rejected !== undefined) this.home.rejected(rejected);
    const bytes = this.home.encode(frame);
    if (this.answers === undefined) this.say(bytes);
    else this.fill(this.openAnswer(undefined), bytes);
  }

  private answer(slot: number, failure: TidegateError | null): void {
    const rejection =
      failure === null ? null : { code: failure.code, message: failure.message, retryable: failure.retryable };
    this.home.answered(rejection);
    const correlation = this.answers?.correlation(slot);
    let frame: Frame | null = null;
    try {
      frame = this.home.codec.settled(this.state, correlation, rejection, this.home.clock.now());
    } catch (error) {
      this.codecFailed('settled', error);
    }
    this.fill(slot, frame === null ? null : this.home.encode(frame));
  }

  private openAnswer(correlation: unknown): number {
    this.answers ??= new AnswerQueue();
    return this.answers.open(correlation);
  }

  /** Puts an answer in its place, and whatever is due now into the outbox. */
  private fill(slot: number, answer: Buffer | null): void {
    const { answers } = this;
    if (answers === undefined) return;
    answers.fill(slot, answer);
    if (this.isOpen) answers.takeReady(this.openOutbox());
    if (answers.pending === 0) this.answers = undefined;
  }

  private say(answer: Buffer): void {
    if (this.isOpen) this.openOutbox().push(answer);
  }

  private openOutbox(): Buffer[] {
    if (this.outbox === undefined) {
      this.outbox = [];
      this.home.dirty(this);
    }
    return this.outbox;
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
    return this.home.isCongested || this.inFlight >= limits.messages || this.inFlightBytes >= limits.bytes;
  }

  private enqueue(frames: readonly Buffer[]): void {
    const queue = this.ensureQueue();
    const before = queue.droppedSoFar;
    for (const [at, frame] of frames.entries()) {
      // A socket that takes what it is given is not slow, however much one turn brings.
      if (queue.dataBytes + frame.length > Math.min(SOCKET_MARK, queue.limit)) this.flushQueue();
      if (frame.length > queue.limit && queue.length === 0 && this.socket.buffered < SOCKET_MARK) {
        this.write(frame, 1);
        continue;
      }
      if (queue.push(frame) !== 'full') continue;
      this.home.dropped('slow', frames.length - at);
      tell(this.actor, closing('slow'));
      return;
    }
    this.home.dropped('slow', queue.droppedSoFar - before);
    if (this.socket.buffered < SOCKET_MARK) this.flushQueue();
    else this.awaitDrain();
  }

  private flushQueue(): void {
    const { queue } = this;
    if (queue === undefined || !this.isOpen) return;
    while (queue.length > 0 && this.socket.buffered < SOCKET_MARK) {
      const frames = queue.take(SOCKET_MARK);
      this.write(frames.length === 1 ? (frames[0] as Buffer) : Buffer.concat(frames), frames.length);
    }
    if (queue.length > 0) this.awaitDrain();
  }

  private tellDrops(): void {
    const count = this.queue?.takeDropped() ?? 0;
    if (count === 0) return;
    try {
      const notice = this.home.codec.dropped(count, this.home.clock.now());
      if (notice !== null) this.queue?.pushControl(this.home.encode(notice));
    } catch (error) {
      this.codecFailed('dropped', error);
    }
  }

  /** Answers are never dropped, also where records wait that this peer was too slow for. */
  private writeAnswers(): void {
    const answers = this.queue?.takeControl() ?? [];
    if (answers.length > 0) this.write(Buffer.concat(answers), answers.length);
  }

  private discardQueue(): void {
    if (this.queue !== undefined) this.home.dropped('closed', this.queue.length);
    this.queue = undefined;
  }

  /** A codec that throws costs its connection, and nothing else. */
  private codecFailed(step: string, error: unknown): void {
    this.home.logger.error({ error, client_id: this.info.clientId }, `the codec failed (${step}), closing its client`);
    tell(this.actor, closing('failed'));
  }

  private awaitDrain(): void {
    if (this.awaitsDrain) return;
    this.awaitsDrain = true;
    this.socket.notifyDrain();
  }

  private write(bytes: Buffer, frames: number): void {
    this.home.stats.framesSent.value += frames;
    this.home.stats.bytesSent.value += bytes.length;
    this.socket.write(bytes);
  }

  private ensureQueue(): SendQueue {
    this.queue ??= new SendQueue(this.home.limits.queue, this.home.limits.whenFull);
    return this.queue;
  }
}
