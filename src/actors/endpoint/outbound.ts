import type { Farewell } from '../../core/component.ts';
import { joined } from '../../core/joined.ts';
import { type PushResult, SendQueue } from '../../core/send-queue.ts';
import type { SharedBytes } from '../../core/shared-bytes.ts';
import type { Socket } from '../../core/socket.ts';
import { closing } from './connection-machine.ts';
import type { EndpointContext } from './endpoint-context.ts';
import { SOCKET_MARK, SocketWriter } from './socket-writer.ts';

/** What the writing side of a socket belongs to; it hears how the peer keeps up. */
export interface OutboundOwner {
  /** Whether frames may still go to the peer. */
  readonly isOpen: boolean;
  /** Answers were left to the peer, which may have too many of them by now. */
  answersWereLeft(): void;
  /** Closes the peer: records came for which the queue has no room, and its policy is to disconnect. */
  dismiss(farewell: Farewell): void;
  /** The frame that reports so many dropped records to this peer; null where it gets none. */
  dropNotice(count: number): Buffer | null;
  /** The answers of a tick are written: reads that waited for that may go on. */
  wake(): void;
  /** Writing threw. */
  failed(error: unknown): void;
}

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
  private queue: SendQueue | undefined;
  private readonly writer: SocketWriter;

  constructor(socket: Socket, context: Context, owner: OutboundOwner) {
    this.context = context;
    this.owner = owner;
    this.writer = new SocketWriter(socket, context);
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

  get queuedBytes(): number {
    return this.queue === undefined ? 0 : this.queue.bytes;
  }

  /** Bytes that are in memory because the peer has not taken them yet. */
  get heldBytes(): number {
    return this.outboxBytes + this.queuedBytes + this.writer.heldBytes;
  }

  /** Bytes that are free when everything is discarded, except answers that are in no queue. */
  get weight(): number {
    return (this.queue?.weight ?? 0) + this.writer.weight;
  }

  /** Whether more than a connection's own share waits in the network socket. */
  get isStuck(): boolean {
    return this.writer.isStuck;
  }

  /** Bytes of answers that the peer has not taken, wherever they wait; in the socket at most so many. */
  get untakenAnswers(): number {
    return this.outboxBytes + (this.queue === undefined ? 0 : this.queue.controlBytes) + this.writer.untakenAnswers;
  }

  /** Whether what is written now goes to the network at once. When it is not, the owner hears when it is again. */
  get isFree(): boolean {
    const isFree = this.isIdle && this.writer.buffered < SOCKET_MARK;
    if (!isFree) this.awaitDrain();
    return isFree;
  }

  /** Bytes of records that the peer's socket or queue takes now, with none dropped. */
  get room(): number {
    const inQueue = this.context.limits.queue - (this.queue?.dataBytes ?? 0);
    return this.isIdle ? Math.max(inQueue, SOCKET_MARK - this.writer.buffered) : inQueue;
  }

  /** Takes an answer of this turn. */
  push(answer: Buffer): void {
    if (this.outbox === undefined) {
      this.outbox = [];
      this.context.tick.schedule(this);
    }
    this.outbox.push(answer);
    this.outboxBytes += answer.length;
    // More than a socket takes at a time is not kept for the end of the turn, which may be far.
    if (this.outboxBytes >= SOCKET_MARK) this.attemptOutbox();
  }

  /** The tick ends: writes its answers. */
  flush(): void {
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
    if (this.isIdle && this.writer.buffered <= SOCKET_MARK) this.writer.writeAnswers(outbox);
    else {
      const queue = this.ensureQueue();
      for (const frame of outbox) queue.pushControl(frame);
      this.awaitDrain();
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
   * Records of one turn: `chunk` is the same frames in one piece, for a peer that keeps up. `isOwn`: no other peer gets that
   * piece, so that its memory counts for this one.
   */
  deliver(chunk: Buffer, frames: readonly Buffer[], isOwn = false): void {
    try {
      if (this.outbox !== undefined) this.writeOutbox();
      if (!this.isIdle || this.writer.buffered + chunk.length > SOCKET_MARK) this.enqueue(frames);
      else {
        this.writer.write(chunk, frames.length);
        if (isOwn) this.writer.wroteOwnRecords(chunk.length);
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
    if (this.isIdle && this.writer.buffered + frame.length <= SOCKET_MARK) {
      this.writer.write(frame, 1);
      this.writer.wroteOwnRecords(frame.length);
      return true;
    }
    const queue = this.ensureQueue();
    const before = queue.droppedSoFar;
    const outcome = this.place(queue, frame);
    if (outcome === 'written') this.writer.wroteOwnRecords(frame.length);
    if (outcome === 'full') queue.droppedSoFar += 1;
    this.context.metrics.dropped('slow', queue.droppedSoFar - before);
    this.flushOrAwaitDrain();
    return outcome !== 'full' && outcome !== 'dropped';
  }

  /** What waits of a channel is not for the peer any more. */
  leave(channel: string): void {
    this.queue?.leave(channel);
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
    this.tellDrops();
    this.flushQueue();
  }

  /** The owner is called when the peer has taken what is in its socket. */
  awaitDrain(): void {
    this.writer.awaitDrain();
  }

  /** Writes the last frames before a close: answers are never dropped, records that the peer was too slow for are. */
  finish(): void {
    this.writeOutbox();
    // One by one, as together they may be more than a buffer can hold.
    for (const answer of this.queue?.takeControl() ?? []) this.writer.writeAnswers([answer]);
    this.discard();
  }

  discard(): void {
    if (this.queue !== undefined) this.context.metrics.dropped('closed', this.queue.length);
    this.queue?.clear();
    this.queue = undefined;
    this.outbox = undefined;
    this.outboxBytes = 0;
    this.writer.share(undefined);
  }

  /** The network socket is gone, with what it had not sent. */
  gone(): void {
    this.discard();
    this.writer.releaseUnsent();
  }

  private get isIdle(): boolean {
    return this.queue === undefined || this.queue.length === 0;
  }

  private enqueue(frames: readonly Buffer[]): void {
    const queue = this.ensureQueue();
    const before = queue.droppedSoFar;
    const supersededBefore = queue.supersededSoFar;
    for (let at = queue.whenFull === 'latest' ? this.writeAhead(queue, frames) : 0; at < frames.length; at += 1) {
      const frame = frames[at] as Buffer;
      const outcome = this.place(queue, frame);
      if (outcome === 'written') this.writer.keepUnsent(frame);
      if (outcome !== 'full') continue;
      this.context.metrics.dropped('slow', frames.length - at);
      this.context.metrics.limited('slow_consumer');
      this.owner.dismiss(closing('slow'));
      return;
    }
    this.context.metrics.dropped('slow', queue.droppedSoFar - before);
    this.context.metrics.dropped('superseded', queue.supersededSoFar - supersededBefore);
    this.flushOrAwaitDrain();
    // The peer gets the number of drops when it has taken all, also where what is left of the turn goes to its socket by now.
    if (queue.hasDropped) this.awaitDrain();
  }

  /** A socket that takes what it is given gets all of a turn, of each key as well; how many of the frames it took. */
  private writeAhead(queue: SendQueue, frames: readonly Buffer[]): number {
    this.flushQueue();
    return queue.length > 0 ? 0 : this.writer.writeWhatFits(frames);
  }

  private place(queue: SendQueue, frame: Buffer): PushResult | 'written' {
    // A socket that takes what it is given is not slow, however much one turn brings.
    if (queue.dataBytes + frame.length > Math.min(SOCKET_MARK, queue.limit)) this.flushQueue();
    if (frame.length > queue.limit && queue.length === 0 && this.writer.buffered < SOCKET_MARK) {
      this.writer.write(frame, 1);
      return 'written';
    }
    return queue.push(frame);
  }

  private flushOrAwaitDrain(): void {
    if (this.writer.buffered < SOCKET_MARK) this.flushQueue();
    else this.awaitDrain();
  }

  private flushQueue(): void {
    const { queue } = this;
    if (queue === undefined) return;
    while (queue.length > 0) {
      const room = SOCKET_MARK - this.writer.buffered;
      if (room < SOCKET_MARK && queue.nextBytes > room) break;
      // Before the records behind them: a peer whose connection is lost then goes on behind what it has.
      if (queue.hasLost) this.tellDrops();
      const answers = queue.controlBytes;
      const frames = queue.take(room);
      const bytes = joined(frames);
      this.writer.write(bytes, frames.length);
      if (answers === queue.controlBytes) this.writer.keepUnsent(bytes);
      else this.writer.wroteAnswers(answers - queue.controlBytes);
    }
    if (queue.length > 0) this.awaitDrain();
  }

  private tellDrops(): void {
    const count = this.queue?.takeDropped() ?? 0;
    const notice = count === 0 ? null : this.owner.dropNotice(count);
    if (notice !== null) this.queue?.pushControl(notice);
  }

  private ensureQueue(): SendQueue {
    const { limits, memory } = this.context;
    // The settings may be others by now; what waits goes on by those under which it came.
    if (this.queue?.isOutdated(limits.queue, limits.whenFull)) this.queue = undefined;
    this.queue ??= new SendQueue(limits.queue, limits.whenFull, memory.queued);
    return this.queue;
  }
}
