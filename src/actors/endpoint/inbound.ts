import type { Socket } from '../../core/socket.ts';
import { tell } from '../lifecycle.ts';
import type { Slowed } from './client-limits.ts';
import type { Conversation } from './conversation.ts';
import type { EndpointContext } from './endpoint-context.ts';
import { KeptFrames } from './kept-frames.ts';
import type { Outbound } from './outbound.ts';
import type { Pace } from './pace.ts';

/** Bytes that may come of a socket while it is held: a read chunk of Node. */
const MAX_BEYOND = 65_536;
/** What a frame counts for at least in that. */
const MIN_FRAME = 64;
/** A peer whose pings are answered and which has so many bytes in its socket is not read until it takes them. */
const PONGS_MARK = 1_048_576;
/** What a message takes in memory besides its payload. */
const A_MESSAGE = 512;

/**
 * The reading side of a socket: frames go to the conversation. It is held while its client may not send more, and then
 * read for one turn now and again.
 */
export class Inbound {
  isHeld = false;
  /** Seconds on the endpoint's clock at which something came from the peer, was sent, or began; see the sweep. */
  heardAt: number;
  pingedAt: number;
  partialSince = 0;
  private readonly peer: Slowed;
  private readonly socket: Socket;
  private readonly context: EndpointContext;
  private readonly conversation: Conversation;
  private readonly outbound: Outbound;
  private pace: Pace | undefined;
  private kept: KeptFrames | undefined;
  /** Whether it is read for one turn though it is held, and what has been read since it is. */
  private isLooking = false;
  private readBeyond = 0;
  private heldBeyond = 0;

  constructor(
    peer: Slowed,
    socket: Socket,
    context: EndpointContext,
    conversation: Conversation,
    outbound: Outbound,
    pace: Pace | undefined,
  ) {
    this.peer = peer;
    this.pace = pace;
    this.socket = socket;
    this.context = context;
    this.conversation = conversation;
    this.outbound = outbound;
    this.heardAt = context.seconds;
    this.pingedAt = context.seconds;
  }

  /** Bytes of messages that are not complete, and of frames that are kept. */
  get heldBytes(): number {
    return this.socket.partial + (this.kept === undefined ? 0 : this.kept.bytes);
  }

  frame(data: Buffer, binary: boolean): void {
    const { context } = this;
    context.metrics.framesReceived.value += 1;
    context.metrics.bytesReceived.value += data.length;
    this.heardAt = context.seconds;
    this.partialSince = 0;
    if (!this.mayCome(data.length)) return;
    if (!this.peer.isHeard || this.mustKeep) {
      this.kept ??= new KeptFrames();
      this.kept.keep(data, binary);
    } else if (!this.conversation.take(data, binary)) return;
    if (!this.isHeld) {
      if (this.mustHold) tell(this.peer.actor, { type: 'HOLD' });
      return;
    }
    this.holdBeyond(data.length + A_MESSAGE);
    this.wasReadBeyond(Math.max(data.length, MIN_FRAME));
  }

  ping(): void {
    if (!this.mayCome(0)) return;
    if (this.pace?.isSlowed && !this.isHeld) tell(this.peer.actor, { type: 'HOLD' });
    if (this.isHeld) this.wasReadBeyond(MIN_FRAME);
    if (this.socket.buffered < PONGS_MARK) return;
    this.outbound.awaitDrain();
    if (!this.isHeld) tell(this.peer.actor, { type: 'HOLD' });
  }

  /** Answers were left to the peer, which may have too many of them by now. */
  answersWereLeft(): void {
    if (!this.isHeld && this.conversation.answers.areMany) tell(this.peer.actor, { type: 'HOLD' });
  }

  /** Something that the peer may be held for is over: reads what was kept, and then the socket. */
  wake(): void {
    if (!this.isHeld && !this.conversation.hasRest) return;
    this.takeKept();
    if (!this.isHeld || !this.mayRelease) return;
    tell(this.peer.actor, { type: 'RELEASE' });
    // Not while the machine takes that step: what waits is read at once, and HOLD would come after all of it.
    if (!this.isHeld) this.socket.resume();
  }

  hold(): void {
    this.isHeld = true;
    this.isLooking = false;
    this.readBeyond = 0;
    this.socket.pause();
  }

  release(): void {
    this.isHeld = false;
    this.isLooking = false;
    this.holdBeyond(-this.heldBeyond);
    // The time spent unread says nothing about the peer: its clock starts afresh.
    this.heardAt = this.context.seconds;
    if (this.context.codec.ping === undefined) this.pingedAt = this.context.seconds;
    this.partialSince = 0;
  }

  /** What is kept is not heard any more. */
  discard(): void {
    this.conversation.forgetRest();
    this.kept = undefined;
  }

  /** From now on it counts for the limits of another identity. */
  paceBy(pace: Pace | undefined): void {
    if (this.pace !== undefined) this.context.clientLimits?.leave(this.pace);
    this.pace = pace;
  }

  /** The network socket is gone. */
  gone(): void {
    this.discard();
    if (this.pace !== undefined) this.context.clientLimits?.leave(this.pace);
    this.holdBeyond(-this.heldBeyond);
  }

  /**
   * Reads a held socket for one turn, or until as much as one read chunk has come since it is held: in one turn Node reads up to
   * 2 MiB of a busy socket, and what waits beyond the gate stays below two chunks.
   */
  look(): void {
    if (this.isLooking || !this.mayLook) return;
    this.isLooking = true;
    this.socket.resume();
    // Timers run before the poll phase and immediates after it, so the socket is read in between.
    setImmediate(() => {
      if (this.isLooking) this.endLook();
    });
  }

  private get mayLook(): boolean {
    // What it has sent beyond its rate would come in at once; it is read again as soon as that is paid for.
    if (this.pace?.isSlowed) return false;
    return this.readBeyond < MAX_BEYOND && this.context.memory.hasRoomBeyondGates;
  }

  private wasReadBeyond(bytes: number): void {
    this.readBeyond += bytes;
    if (this.isLooking && !this.mayLook) this.endLook();
  }

  private holdBeyond(bytes: number): void {
    this.heldBeyond += bytes;
    this.context.memory.readBeyondGate(bytes);
  }

  private endLook(): void {
    this.isLooking = false;
    // A paused socket never sees the peer's close frame.
    if (this.isHeld && this.peer.isOpen) this.socket.pause();
  }

  /** False where the peer is closed, as it sends more than it may. */
  private mayCome(bytes: number): boolean {
    const { pace, context } = this;
    return (
      pace === undefined || context.clientLimits === undefined || context.clientLimits.sent(pace, this.peer, bytes)
    );
  }

  /** Whether so few answers are left that the peer may be asked for more; else the end of them wakes it. */
  private get answersAreTaken(): boolean {
    if (this.conversation.answers.areFew) return true;
    this.outbound.awaitTaken();
    return false;
  }

  private get mustHold(): boolean {
    if (!this.peer.isHeard || this.kept !== undefined || this.context.isCongested) return true;
    if (this.pace?.isSlowed) return true;
    return this.conversation.isFull || this.conversation.hasRest || this.conversation.answers.areMany;
  }

  private get mayRelease(): boolean {
    if (!this.peer.isHeard || this.kept !== undefined || this.conversation.hasRest) return false;
    if (this.context.isCongested || this.pace?.isSlowed) return false;
    return this.conversation.isHalfFree && this.answersAreTaken;
  }

  /** Whether a frame that comes has to wait for those before it. */
  private get mustKeep(): boolean {
    return this.kept !== undefined || this.conversation.hasRest || this.conversation.answers.areMany;
  }

  /** Processes what is left of a frame, and kept frames, as far as the peer takes their answers. */
  private takeKept(): void {
    const { kept, conversation, peer } = this;
    if (!peer.isHeard) return;
    conversation.goOn();
    if (!conversation.hasRest && kept !== undefined) {
      kept.handOver(
        () => peer.isOpen && peer.isHeard && !conversation.hasRest && !conversation.answers.areMany,
        (data, binary) => conversation.take(data, binary),
      );
      if (kept.isEmpty) this.kept = undefined;
    }
    if (conversation.hasRest || this.kept !== undefined) this.outbound.awaitTaken();
  }
}
