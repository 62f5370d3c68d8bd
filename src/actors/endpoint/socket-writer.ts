import { joined } from '../../core/joined.ts';
import { QueuedFrames } from '../../core/queued-frames.ts';
import type { SharedBytes } from '../../core/shared-bytes.ts';
import type { Socket } from '../../core/socket.ts';
import type { EndpointContext } from './endpoint-context.ts';

/** Bytes that may wait in the network socket before frames go to the send queue, where the policy decides. */
export const SOCKET_MARK = 65_536;

/** Writes to a network socket, and counts what may still be in it: whose memory it is, and how much of it are answers. */
export class SocketWriter {
  private readonly socket: Socket;
  private readonly context: Pick<EndpointContext, 'metrics' | 'memory'>;
  private awaitsDrain = false;
  /** Bytes of answers, and of records for this peer alone, that were written since the socket was last empty. */
  private answers = 0;
  private ownRecords = 0;
  /** Bytes in this socket that other sockets may wait to take as well. */
  private shared: SharedBytes | undefined;
  /** Large records that the socket has not taken: they may wait for others as well. */
  private unsent: Buffer[] | undefined;

  constructor(socket: Socket, context: Pick<EndpointContext, 'metrics' | 'memory'>) {
    this.socket = socket;
    this.context = context;
  }

  /** Bytes that wait in the network socket. */
  get buffered(): number {
    return this.socket.buffered;
  }

  /**
   * Bytes that were made for this peer; the records of a broadcast are there once for all. Of a long answer that others
   * get as well its share.
   */
  get heldBytes(): number {
    const written = this.answers + this.ownRecords;
    const inSocket = written === 0 ? 0 : Math.min(written, this.socket.buffered);
    if (this.shared === undefined) return inSocket;
    return inSocket - Math.min(inSocket, this.shared.bytes.length) + this.shared.share;
  }

  /** Bytes of answers in it, at most. */
  get untakenAnswers(): number {
    return this.answers === 0 ? 0 : Math.min(this.answers, this.socket.buffered);
  }

  /** Bytes of large records that are free when the socket is gone: of those that wait for others as well, a part. */
  get weight(): number {
    let weight = 0;
    for (const bytes of this.unsent ?? []) weight += QueuedFrames.share(bytes);
    return weight;
  }

  /** Whether more than a connection's own share waits in the network socket. */
  get isStuck(): boolean {
    return this.unsent !== undefined || this.socket.buffered > 2 * SOCKET_MARK;
  }

  write(bytes: Buffer, frames: number): void {
    this.forgetTaken();
    this.context.metrics.framesSent.value += frames;
    this.context.metrics.bytesSent.value += bytes.length;
    this.socket.write(bytes);
  }

  /** Writes records as long as not more than SOCKET_MARK waits in the socket; how many of them. */
  writeWhatFits(frames: readonly Buffer[]): number {
    let from = 0;
    for (let until = 0; from < frames.length; from = until) {
      let room = SOCKET_MARK - this.socket.buffered;
      if (room <= 0) return from;
      for (; until < frames.length; until += 1) {
        room -= frames[until]?.length ?? 0;
        // A larger one is for a socket that has nothing else to send.
        if (room < 0 && (until > from || this.socket.buffered > 0)) break;
      }
      if (until === from) return from;
      const bytes = joined(frames.slice(from, until));
      this.write(bytes, until - from);
      this.keepUnsent(bytes);
    }
    return from;
  }

  writeAnswers(frames: readonly Buffer[]): void {
    const bytes = joined(frames);
    this.write(bytes, frames.length);
    this.wroteAnswers(bytes.length);
  }

  /** One long answer in parts, of which other peers get `body` as well. */
  writeLong(head: Buffer, body: SharedBytes, tail: Buffer): void {
    this.forgetTaken();
    const length = head.length + body.bytes.length + tail.length;
    this.wroteAnswers(length);
    this.context.metrics.framesSent.value += 1;
    this.context.metrics.bytesSent.value += length;
    // In one go, and not by the queue: a ping between the parts would break the frame.
    for (const part of [head, body.bytes, tail]) this.socket.write(part);
    // What is smaller may leave without a notice of it, and is not worth counting once.
    if (this.socket.buffered >= SOCKET_MARK) {
      this.share(body);
      this.awaitDrain();
    }
  }

  wroteAnswers(bytes: number): void {
    this.answers += bytes;
  }

  wroteOwnRecords(bytes: number): void {
    this.ownRecords += bytes;
  }

  /** Records that may be shared were written; answers and records for this peer alone are counted otherwise, see `heldBytes`. */
  keepUnsent(bytes: Buffer): void {
    if (bytes.length <= SOCKET_MARK || this.socket.buffered === 0) return;
    this.context.memory.queued.hold(bytes);
    this.unsent ??= [];
    this.unsent.push(bytes);
    this.awaitDrain();
  }

  /** The owner of the socket is to hear when the peer has taken all that is in it. */
  awaitDrain(): void {
    if (this.awaitsDrain) return;
    this.awaitsDrain = true;
    this.socket.notifyDrain();
  }

  /** Everything that was written has left. */
  drained(): void {
    this.awaitsDrain = false;
    this.forgetTaken();
    this.share(undefined);
    this.releaseUnsent();
  }

  /** Takes part in bytes that other sockets wait to take as well; undefined for none. */
  share(body: SharedBytes | undefined): void {
    if (this.shared !== undefined) this.shared.holders -= 1;
    this.shared = body;
    if (body !== undefined) body.holders += 1;
  }

  releaseUnsent(): void {
    if (this.unsent === undefined) return;
    for (const bytes of this.unsent) this.context.memory.queued.release(bytes);
    this.unsent = undefined;
  }

  /** An empty socket has taken all. */
  private forgetTaken(): void {
    if (this.answers + this.ownRecords === 0 || this.socket.buffered > 0) return;
    this.answers = 0;
    this.ownRecords = 0;
  }
}
