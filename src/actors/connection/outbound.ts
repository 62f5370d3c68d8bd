import { SendQueue } from '../../core/send-queue.ts';
import type { Socket } from '../../core/socket.ts';
import type { ConnectionHome } from './home.ts';

/** Bytes that may wait in the network socket before frames go to the send queue, where the policy rules. */
const SOCKET_MARK = 65_536;
/** A client that lets so many bytes of answers pile up is not read until it takes them. */
const ANSWERS_MARK = 262_144;

/** Whom the writing side tells how its peer keeps up. */
export interface OutboundOwner {
  /** Answers of this turn wait to be written: `flush` is due at the end of it. */
  answersWait(): void;
  /** The peer leaves too many answers unread to be asked for more. */
  answersPileUp(): void;
  /** Records came for which the queue has no room, and its policy is to give the peer up. */
  tooSlow(): void;
  /** How this peer is told of so many dropped records, as a frame; null for not at all. */
  dropNotice(count: number): Buffer | null;
}

type Home = Pick<ConnectionHome<never>, 'limits' | 'figures'>;

/**
 * The writing side of a socket: answers of a turn leave in one write, records wait in the send queue while the peer
 * does not take them, and answers go before records.
 */
export class Outbound {
  private readonly socket: Socket;
  private readonly home: Home;
  private readonly owner: OutboundOwner;
  /** Answers of this turn. */
  private outbox: Buffer[] | undefined;
  private queue: SendQueue | undefined;
  private awaitsDrain = false;

  constructor(socket: Socket, home: Home, owner: OutboundOwner) {
    this.socket = socket;
    this.home = home;
    this.owner = owner;
  }

  get queuedBytes(): number {
    return this.queue === undefined ? 0 : this.queue.bytes;
  }

  /** Whether so few answers are unread that the peer may be asked for more. */
  get answersAreTaken(): boolean {
    return this.queue === undefined || this.queue.controlBytes <= ANSWERS_MARK / 2;
  }

  /** Whether what is written now goes to the network at once. When it is not, the owner hears when it is again. */
  get isFree(): boolean {
    const isFree = this.isIdle && this.socket.buffered < SOCKET_MARK;
    if (!isFree) this.awaitDrain();
    return isFree;
  }

  /** Where to put answers of this turn. */
  openOutbox(): Buffer[] {
    if (this.outbox === undefined) {
      this.outbox = [];
      this.owner.answersWait();
    }
    return this.outbox;
  }

  /** Writes this turn's answers. */
  flush(): void {
    const { outbox } = this;
    if (outbox === undefined) return;
    this.outbox = undefined;
    // An answer that waits for one before it has opened an outbox for nothing.
    if (outbox.length === 0) return;
    if (this.isIdle && this.socket.buffered <= SOCKET_MARK) {
      this.write(outbox.length === 1 ? (outbox[0] as Buffer) : Buffer.concat(outbox), outbox.length);
      return;
    }
    const queue = this.ensureQueue();
    for (const frame of outbox) queue.pushControl(frame);
    this.awaitDrain();
    if (queue.controlBytes > ANSWERS_MARK) this.owner.answersPileUp();
  }

  /** Records of one turn: `chunk` is the same frames in one piece, for a peer that keeps up. */
  deliver(chunk: Buffer, frames: readonly Buffer[]): void {
    if (this.outbox !== undefined) this.flush();
    if (this.isIdle && this.socket.buffered + chunk.length <= SOCKET_MARK) this.write(chunk, frames.length);
    else this.enqueue(frames);
  }

  /** For records that a ping is to stand behind: nothing queues them, so ask `isFree` before taking them. */
  deliverAtOnce(frame: Buffer): void {
    this.flush();
    this.write(frame, 1);
  }

  /** Everything that was written has left. */
  drained(): void {
    this.awaitsDrain = false;
    this.tellDrops();
    this.flushQueue();
  }

  /** Says what is due before a close: answers are never dropped, records that the peer was too slow for are. */
  finish(): void {
    this.flush();
    const answers = this.queue?.takeControl() ?? [];
    if (answers.length > 0) this.write(Buffer.concat(answers), answers.length);
    this.discard();
  }

  discard(): void {
    if (this.queue !== undefined) this.home.figures.dropped('closed', this.queue.length);
    this.queue = undefined;
    this.outbox = undefined;
  }

  private get isIdle(): boolean {
    return this.queue === undefined || this.queue.length === 0;
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
      this.home.figures.dropped('slow', frames.length - at);
      this.owner.tooSlow();
      return;
    }
    this.home.figures.dropped('slow', queue.droppedSoFar - before);
    if (this.socket.buffered < SOCKET_MARK) this.flushQueue();
    else this.awaitDrain();
  }

  private flushQueue(): void {
    const { queue } = this;
    if (queue === undefined) return;
    while (queue.length > 0 && this.socket.buffered < SOCKET_MARK) {
      const frames = queue.take(SOCKET_MARK);
      this.write(frames.length === 1 ? (frames[0] as Buffer) : Buffer.concat(frames), frames.length);
    }
    if (queue.length > 0) this.awaitDrain();
  }

  private tellDrops(): void {
    const count = this.queue?.takeDropped() ?? 0;
    const notice = count === 0 ? null : this.owner.dropNotice(count);
    if (notice !== null) this.queue?.pushControl(notice);
  }

  private awaitDrain(): void {
    if (this.awaitsDrain) return;
    this.awaitsDrain = true;
    this.socket.notifyDrain();
  }

  private write(bytes: Buffer, frames: number): void {
    this.home.figures.framesSent.value += frames;
    this.home.figures.bytesSent.value += bytes.length;
    this.socket.write(bytes);
  }

  private ensureQueue(): SendQueue {
    this.queue ??= new SendQueue(this.home.limits.queue, this.home.limits.whenFull);
    return this.queue;
  }
}
