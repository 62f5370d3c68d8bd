import type { Clock } from '../../core/clock.ts';
import type { RemoteSocket } from '../../core/remote.ts';
import type { Heartbeat } from './heartbeat.ts';

/** Milliseconds: a paused socket is read for one turn at this interval, to see a close, a pong, or a ping to answer. */
const LOOK_INTERVAL = 2_000;
/** Bytes that looks may read while the gate is shut; after that there are no more looks until it opens. */
export const MAX_WHILE_PAUSED = 4 * 1_024 * 1_024;
/** Bytes that one look may read: a close or a ping may be behind some frames. */
const MAX_PER_LOOK = 64 * 1_024;

/**
 * Many messages wait for `heartbeat.reply`, `heartbeat.expect`, `reconnect.on` or `expect` of `subscribe`, or many answers to be
 * sent or to be read by the server.
 */
export type Block = 'reply' | 'heartbeat' | 'on' | 'expect' | 'answers' | 'unread';

interface Live {
  readonly socket: RemoteSocket;
  readonly heartbeat: Heartbeat;
}

/**
 * Pauses and resumes the reading of a server, also across its connections. Until a connection is live it is read anyway:
 * replies have to arrive.
 */
export class Reading {
  private readonly clock: Clock;
  private live: Live | undefined;
  /** Whether the pipeline takes no messages. */
  isPaused = false;
  /** Why this connection is not read, beside that. */
  private readonly blocks = new Set<Block>();
  /** Bytes of the frames that came while it was paused. */
  private readWhilePaused = 0;
  private isLooking = false;
  /** What `readWhilePaused` may become in this look. */
  private lookLimit = 0;
  private cancelLook: () => void = () => {};

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Whether the socket is read. */
  get mayRead(): boolean {
    return this.live === undefined || !this.isHeld;
  }

  begin(live: Live): void {
    this.live = live;
    if (this.isHeld) this.hold(live);
  }

  /** The connection has ended, or is closing. */
  end(): void {
    this.live = undefined;
    this.isLooking = false;
    this.blocks.clear();
    this.cancelLook();
  }

  /** Stops reading, so that TCP slows the server down. `forGood`: without looks. */
  pause(forGood: boolean): void {
    this.cancelLook();
    this.isPaused = true;
    this.readWhilePaused = forGood ? MAX_WHILE_PAUSED : 0;
    if (this.live !== undefined) this.hold(this.live);
  }

  /** A frame came. In one turn Node reads up to 2 MiB of a busy socket, so each look has a limit. */
  heard(bytes: number): void {
    if (!this.isHeld) return;
    this.readWhilePaused += bytes;
    if (!this.isLooking || this.readWhilePaused < this.lookLimit) return;
    this.isLooking = false;
    this.live?.socket.pause();
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.release();
  }

  /** As `pause`, for this connection and by itself. */
  block(why: Block): void {
    const wasHeld = this.isHeld;
    this.blocks.add(why);
    if (wasHeld) return;
    this.readWhilePaused = 0;
    if (this.live !== undefined) this.hold(this.live);
  }

  unblock(why: Block): void {
    if (this.blocks.delete(why)) this.release();
  }

  private get isHeld(): boolean {
    return this.isPaused || this.blocks.size > 0;
  }

  private release(): void {
    if (this.isHeld) return;
    this.isLooking = false;
    this.cancelLook();
    this.live?.socket.resume();
    this.live?.heartbeat.release();
  }

  private hold(live: Live): void {
    live.socket.pause();
    live.heartbeat.hold();
    this.lookLater(live);
  }

  private lookLater(live: Live): void {
    if (this.readWhilePaused >= MAX_WHILE_PAUSED) return;
    this.cancelLook = this.clock.after(LOOK_INTERVAL, () => {
      this.isLooking = true;
      this.lookLimit = this.readWhilePaused + MAX_PER_LOOK;
      live.socket.resume();
      // Timers run before the poll phase and immediates after it, so the socket is read in between.
      setImmediate(() => {
        if (!this.isHeld || this.live !== live) return;
        if (this.isLooking) live.socket.pause();
        this.isLooking = false;
        this.lookLater(live);
      });
    });
  }
}
