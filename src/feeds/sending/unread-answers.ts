import type { Clock } from '../../core/clock.ts';
import type { RemoteSocket } from '../../core/remote.ts';
import { formatDuration, formatSize } from '../../core/units.ts';
import type { BacklogHandler } from '../queues/backlog.ts';

/** Bytes that may wait in the socket before the server is no longer read. A small answer takes 25 times its size of memory. */
const MAX_WAITING = 262_144;
/** Bytes at which the connection ends: answers to messages that were read before come all the same. */
const MAX_BYTES = 16_777_216;
/** Milliseconds in which the server has to take some of them. Linux takes up to 1.5 MB from the socket at once. */
const TIMEOUT = 30_000;
/** Milliseconds until the socket is looked at again. */
const INTERVAL = 50;

export interface UnreadAnswersOptions {
  readonly socket: Pick<RemoteSocket, 'buffered' | 'unsent'>;
  readonly clock: Clock;
  readonly backlog: BacklogHandler;
  /** The connection has to end; `why` is logged. */
  readonly over: (why: string) => void;
}

/**
 * Watches answers to messages of the server that it does not read. While many wait it is not read either, so that it cannot
 * ask for more of them; if it takes none for a while, the connection ends.
 */
export class UnreadAnswers {
  private readonly options: UnreadAnswersOptions;
  private isFull = false;
  private isOver = false;
  /** Bytes that were handed to the socket. */
  private handed = 0;
  /** How many of them had left it when it was last seen to move. */
  private taken = 0;
  /** What was left of the write that was being made then, which may last longer than the timeout. */
  private unsent = 0;
  private movedAt = 0;
  private cancelTimer: () => void = () => {};

  constructor(options: UnreadAnswersOptions) {
    this.options = options;
  }

  /** An answer of so many bytes was handed to the socket. */
  readonly sent = (bytes: number): void => {
    const { socket, clock, backlog } = this.options;
    this.handed += bytes;
    if (this.isOver || socket.buffered <= MAX_WAITING) return;
    if (socket.buffered > MAX_BYTES) {
      this.giveUp(`${formatSize(MAX_BYTES)} of answers wait`);
      return;
    }
    if (this.isFull) return;
    this.isFull = true;
    this.taken = this.handed - socket.buffered;
    this.unsent = socket.unsent;
    this.movedAt = clock.elapsed();
    this.lookLater();
    backlog.full();
  };

  /** The connection ends. */
  end(): void {
    this.isOver = true;
    this.cancelTimer();
  }

  private lookLater(): void {
    this.cancelTimer = this.options.clock.after(INTERVAL, this.look);
  }

  private readonly look = (): void => {
    const { socket, clock, backlog } = this.options;
    if (socket.buffered <= MAX_WAITING / 2) {
      this.isFull = false;
      backlog.drained();
      return;
    }
    // Headers of frames wait, too, and are not counted as handed: an answer alone never looks like one that was taken.
    const taken = this.handed - socket.buffered;
    const { unsent } = socket;
    if (taken > this.taken || unsent < this.unsent) this.movedAt = clock.elapsed();
    this.taken = taken;
    this.unsent = unsent;
    if (clock.elapsed() - this.movedAt < TIMEOUT) this.lookLater();
    else this.giveUp(`it took none for ${formatDuration(TIMEOUT)}`);
  };

  private giveUp(what: string): void {
    this.end();
    this.options.over(`the server does not read the answers to its messages: ${what}`);
  }
}
