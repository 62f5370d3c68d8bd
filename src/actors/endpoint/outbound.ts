import type { SharedBytes } from '../../core/shared-bytes.ts';
import type { Written } from '../../core/shared-frame.ts';
import type { Socket } from '../../core/socket.ts';
import { Backlog } from './backlog.ts';
import type { EndpointContext } from './endpoint-context.ts';
import type { OutboundOwner } from './outbound-owner.ts';
import { SOCKET_MARK, SocketWriter } from './socket-writer.ts';

/** A peer that takes answers as fast as they are made gets so many bytes of them in one turn: others are to have theirs, too. */
const TURN_MARK = 4_194_304;
/** What an answer counts for in that beside its bytes: a short one takes its time as well. */
const AN_ANSWER = 1_024;

/** What it needs of its endpoint; the tick flushes those that have answers. */
type Context = Pick<EndpointContext, 'limits' | 'metrics' | 'memory'> & {
  readonly tick: { schedule(outbound: { flush(): void }): void };
};

/**
 * The writing side of a socket: answers of a turn leave in one write, records wait in the send queue while the peer
 * does not take them, and answers go before records.
 */
export class Outbound {
  private readonly context: Context;
  private readonly owner: OutboundOwner;
  /** Answers of this turn. */
  private outbox: Buffer[] | undefined;
  private outboxBytes = 0;
  /** What all answers since the last `flush` count for, which is due where there are any. */
  private turnBytes = 0;
  private readonly writer: SocketWriter;
  private readonly backlog: Backlog;

  constructor(socket: Socket, context: Context, owner: OutboundOwner) {
    this.context = context;
    this.owner = owner;
    this.writer = new SocketWriter(socket, context);
    this.backlog = new Backlog(this.writer, context, owner);
  }

  get isOpen(): boolean {
    return this.owner.isOpen;
  }

  /** Whether the peer has taken what it was answered so far; where it has not, its owner hears when it has. */
  get takesAnswers(): boolean {
    if (this.untakenAnswers <= SOCKET_MARK) return this.isOpen;
    this.awaitDrain();
    return false;
  }

  /** Whether this turn has made so many answers that the next ones are for another turn; `flush` wakes the owner then. */
  get isTurnFull(): boolean {
    return this.turnBytes > TURN_MARK;
  }

  get queuedBytes(): number {
    return this.backlog.bytes;
  }

  /** Bytes that are in memory because the peer has not taken them yet. */
  get heldBytes(): number {
    return this.outboxBytes + this.queuedBytes + this.writer.heldBytes;
  }

  /** Bytes that are free when everything is discarded, except answers that are in no queue. */
  get weight(): number {
    return this.backlog.weight + this.writer.weight;
  }

  /** Whether more than a connection's own share waits in the network socket. */
  get isStuck(): boolean {
    return this.writer.isStuck;
  }

  /** Bytes of answers that the peer has not taken, wherever they wait; in the socket at most so many. */
  get untakenAnswers(): number {
    return this.outboxBytes + this.backlog.answerBytes + this.writer.untakenAnswers;
  }

  /** Whether what is written now goes to the network at once. When it is not, the owner hears when it is again. */
  get isFree(): boolean {
    const isFree = this.backlog.isEmpty && this.writer.buffered < SOCKET_MARK;
    if (!isFree) this.awaitDrain();
    return isFree;
  }

  /** Bytes of records that the peer's socket or queue takes now, with none dropped. */
  get room(): number {
    const inQueue = this.context.limits.queue - this.backlog.recordBytes;
    return this.backlog.isEmpty ? Math.max(inQueue, SOCKET_MARK - this.writer.buffered) : inQueue;
  }

  /** Takes an answer of this turn. */
  push(answer: Buffer): void {
    if (this.turnBytes === 0) this.context.tick.schedule(this);
    this.turnBytes += answer.length + AN_ANSWER;
    this.outbox ??= [];
    this.outbox.push(answer);
    this.outboxBytes += answer.length;
    // More than a socket takes at a time is not kept for the end of the turn, which may be far.
    if (this.outboxBytes >= SOCKET_MARK) this.attemptOutbox();
  }

  /** The tick ends: writes its answers. */
  flush(): void {
    this.turnBytes = 0;
    this.attemptOutbox();
    this.owner.wake();
  }

  private attemptOutbox(): void {
    try {
      this.writeOutbox();
    } catch (error) {
      this.owner.failed(error);
    }
  }

  private writeOutbox(): void {
    const { outbox } = this;
    if (outbox === undefined) return;
    this.outbox = undefined;
    this.outboxBytes = 0;
    if (this.backlog.isEmpty && this.writer.buffered <= SOCKET_MARK) this.writer.writeAnswers(outbox);
    else {
      this.backlog.addAnswers(outbox);
    }
    this.owner.answersWereLeft();
  }

  /** Writes one long answer: parts of a frame, the middle of which other peers get as well. */
  writeLong(head: Buffer, body: SharedBytes, tail: Buffer): void {
    try {
      this.writeOutbox();
      this.writer.writeLong(head, body, tail);
      this.owner.answersWereLeft();
    } catch (error) {
      this.owner.failed(error);
    }
  }

  /**
   * Records of one turn, in one piece for a peer that keeps up. `isOwn`: no other peer gets that piece, so that its memory counts for
   * this one.
   */
  deliver(written: Written, isOwn = false): void {
    try {
      if (this.outbox !== undefined) this.writeOutbox();
      const { frames, length } = written;
      // What was recovered behind an answer is part of it.
      if (isOwn && this.turnBytes > 0) this.turnBytes += length;
      if (!this.backlog.isEmpty || this.writer.buffered + length > SOCKET_MARK) this.backlog.add(frames);
      else {
        this.writer.write(written.chunk, frames.length);
        if (isOwn) this.writer.wroteOwnRecords(length);
      }
    } catch (error) {
      this.owner.failed(error);
    }
  }

  /**
   * Something that another client says to this peer alone: it obeys the policy of the queue, but where that is to give the
   * peer up the frame is dropped instead, as it is not the peer that made it. False where it is dropped.
   */
  offer(frame: Buffer): boolean {
    if (this.outbox !== undefined) this.writeOutbox();
    if (this.backlog.isEmpty && this.writer.buffered + frame.length <= SOCKET_MARK) {
      this.writer.write(frame, 1);
      this.writer.wroteOwnRecords(frame.length);
      return true;
    }
    return this.backlog.offer(frame);
  }

  /** What waits of a channel is not for the peer any more. */
  leave(channel: string): void {
    this.backlog.leave(channel);
  }

  /** For records that a ping will follow: they are not queued, so ask `isFree` before taking them. */
  deliverAtOnce(frame: Buffer): void {
    try {
      this.writeOutbox();
      this.writer.write(frame, 1);
      this.writer.wroteOwnRecords(frame.length);
    } catch (error) {
      this.owner.failed(error);
    }
  }

  /** Everything that was written has left. */
  drained(): void {
    this.writer.drained();
    this.backlog.drained();
  }

  /** The owner is called when the peer has taken what is in its socket. */
  awaitDrain(): void {
    this.writer.awaitDrain();
  }

  /**
   * The same where something is written that the peer has not taken. Where nothing is, the call would come before the event loop turns,
   * and find that what the owner waits for is not there.
   */
  awaitTaken(): void {
    if (this.writer.buffered > 0 || !this.backlog.isEmpty) this.awaitDrain();
  }

  /** Writes the last frames before a close: answers are never dropped, records that the peer was too slow for are. */
  finish(): void {
    this.writeOutbox();
    // One by one, as together they may be more than a buffer can hold.
    for (const answer of this.backlog.takeAnswers()) this.writer.writeAnswers([answer]);
    this.discard();
  }

  discard(): void {
    this.backlog.discard();
    this.outbox = undefined;
    this.outboxBytes = 0;
    this.writer.share(undefined);
  }

  /** The network socket is gone, with what it had not sent. */
  gone(): void {
    this.discard();
    this.writer.releaseUnsent();
  }
}
