import { createActor } from 'xstate';
import type { ConnectionInfo, Farewell, MemberEvent } from '../../core/component.ts';
import type { Message } from '../../core/message.ts';
import type { Socket, SocketHandler } from '../../core/socket.ts';
import type { TopicOutcome } from '../../core/topic-request.ts';
import type { Handshake } from '../../telemetry/tracing.ts';
import { tell } from '../lifecycle.ts';
import { Conversation, type Line } from './conversation.ts';
import type { ConnectionHome } from './home.ts';
import { type ConnectionActor, type ConnectionControl, closing, connectionMachine } from './machine.ts';
import { Outbound, type OutboundOwner } from './outbound.ts';
import { numberOf, numberPayload } from './pings.ts';

/** Bytes that may come of a socket while it is held: a read chunk of Node. */
const MOST_BEYOND = 65_536;
/** What a frame counts for at least: each is kept as a message, however small it is. */
const LEAST_A_FRAME = 64;

/**
 * The data side of one live socket: frames in for the conversation, answers and records out by the send queue. What it
 * may do when is decided by its machine.
 */
export class Connection implements SocketHandler, Line, ConnectionControl, OutboundOwner {
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
  /** Frames that came before the client was let in. */
  private early: { readonly data: Buffer; readonly binary: boolean }[] | undefined;
  private readonly conversation: Conversation<Connection>;
  private readonly outbound: Outbound;
  isOpen = true;
  /** Whether it is read for one turn though it is held, and what has been read since it is. */
  private isLooking = false;
  private readBeyond = 0;
  private isDraining = false;
  private isGone = false;

  constructor(
    home: ConnectionHome<Connection>,
    socket: Socket,
    info: ConnectionInfo,
    handshake: Handshake | undefined,
  ) {
    this.home = home;
    this.socket = socket;
    this.info = info;
    this.outbound = new Outbound(socket, home, this);
    this.conversation = new Conversation<Connection>(this, home, handshake);
    this.heardAt = home.seconds;
    this.pingedAt = home.seconds;
    this.stuckSince = home.seconds;
    this.isAdmitted = !home.isGuarded;
    // As part of the audience's actor system, without being its child: half the memory of a root actor, none of the
    // copying of children, and an error that is thrown reaches the audience.
    this.actor = createActor(connectionMachine, { id: info.clientId, input: { connection: this }, parent: home.actor });
    this.actor.start();
    socket.attach(this);
    if (this.isAdmitted) this.conversation.greet();
  }

  /** Messages read and not settled yet. */
  get unsettled(): number {
    return this.conversation.unsettled;
  }

  get isAnswered(): boolean {
    return this.conversation.unsettled === 0;
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
    return this.isAdmitted && !this.home.isCongested && this.conversation.isHalfFree && this.outbound.answersAreTaken;
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
    } else if (!this.conversation.take(data, binary)) return;
    if (!this.isHeld) {
      if (this.mustHold) tell(this.actor, { type: 'HOLD' });
      return;
    }
    this.readBeyond += Math.max(data.length, LEAST_A_FRAME);
    if (this.isLooking && this.readBeyond >= MOST_BEYOND) this.endLook();
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

  /**
   * Reads a held socket for one turn, or until as much as one read chunk has come since it is held: in one turn Node reads up to
   * 2 MiB of a busy socket, and what waits beyond the gate stays below two chunks.
   */
  look(): void {
    if (this.readBeyond >= MOST_BEYOND || this.isLooking) return;
    this.isLooking = true;
    this.socket.resume();
    // Timers run before the poll phase and immediates after it, so the socket is read in between.
    setImmediate(() => {
      if (this.isLooking) this.endLook();
    });
  }

  private endLook(): void {
    this.isLooking = false;
    if (this.isHeld && this.closingSince === 0) this.socket.pause();
  }

  // --- from the room

  /** The client is in, under the name that all gateways know it by; what it said meanwhile is heard now. */
  admit(name: string): void {
    if (!this.isOpen || this.isAdmitted) return;
    this.info = { ...this.info, clientId: name };
    this.isAdmitted = true;
    tell(this.actor, { type: 'ADMIT' });
    this.conversation.greet();
    const { early } = this;
    this.early = undefined;
    for (const { data, binary } of early ?? []) if (this.isOpen) this.conversation.take(data, binary);
    if (!this.isHeld || !this.isOpen) return;
    if (this.mayRelease) this.release();
    else tell(this.actor, { type: 'HOLD' });
  }

  /** Something happened to the client as a member of its room. */
  hear(event: MemberEvent): void {
    if (this.isOpen && this.isAdmitted) this.conversation.hear(event);
  }

  /** Says something of the room's to this client alone, in its turn among the answers. */
  inform(frame: Buffer): void {
    if (this.isAdmitted) this.conversation.inform(frame);
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
    this.conversation.served(correlation, outcome);
  }

  notify(messages: readonly Message[]): void {
    const frame = this.isOpen ? this.conversation.notice(messages) : null;
    if (frame !== null) this.outbound.deliverAtOnce(frame);
  }

  ping(number: number): void {
    if (this.isOpen) this.socket.ping(numberPayload(number));
  }

  // --- from the pipelines

  /** Records of one turn for this socket: `chunk` is the same frames in one piece, for a socket that keeps up. */
  deliver(chunk: Buffer, frames: readonly Buffer[]): void {
    if (this.isOpen && this.isAdmitted) this.outbound.deliver(chunk, frames);
  }

  /** Writes this turn's answers; the endpoint calls it once a turn. */
  flush(): void {
    this.outbound.flush();
  }

  // --- from the conversation

  get remote(): string {
    return this.socket.remote;
  }

  openOutbox(): Buffer[] {
    return this.outbound.openOutbox();
  }

  settledOne(): void {
    if (this.isGone && this.isAnswered) this.home.left(this);
    if (!this.isOpen) return;
    if (this.isDraining) {
      if (this.isAnswered) tell(this.actor, { type: 'ANSWERED' });
    } else if (this.isHeld && this.mayRelease) tell(this.actor, { type: 'RELEASE' });
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
    return this.conversation.dropNotice(count);
  }

  // --- orders of the machine

  hold(): void {
    this.isHeld = true;
    this.isLooking = false;
    this.readBeyond = 0;
    this.socket.pause();
    this.home.held(this, true);
  }

  drain(): void {
    this.isDraining = true;
    this.hold();
  }

  release(): void {
    this.isHeld = false;
    this.isLooking = false;
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
    if (this.isAnswered) this.home.left(this);
  }

  private get mustHold(): boolean {
    return !this.isAdmitted || this.home.isCongested || this.conversation.isFull;
  }
}
