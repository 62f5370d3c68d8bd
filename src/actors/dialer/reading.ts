import type { Clock } from '../../core/clock.ts';
import type { RemoteSocket } from '../../core/remote.ts';
import type { Heartbeat } from './heartbeat.ts';

/** A socket that is not read is read for one turn so often, to see a close, a pong, or a ping that wants an answer. */
const LOOK_INTERVAL = 2_000;
/** Bytes that looks may bring beyond the mark of the gate; then there are none until it opens again. */
const MOST_BEYOND = 4 * 1_024 * 1_024;
/** Bytes that one look may bring: a close or a ping may be behind some frames. */
const MOST_A_LOOK = 64 * 1_024;

interface Live {
  readonly socket: RemoteSocket;
  readonly heartbeat: Heartbeat;
}

/**
 * Whether the server is to be read; that holds from one connection to the next. Until one is live it is read all the
 * same: replies have to come.
 */
export class Reading {
  private readonly clock: Clock;
  private live: Live | undefined;
  private isHeld = false;
  /** Bytes of the frames that came while it was held. */
  private beyond = 0;
  private isLooking = false;
  /** What `beyond` may become in this look. */
  private lookLimit = 0;
  private cancelLook: () => void = () => {};

  constructor(clock: Clock) {
    this.clock = clock;
  }

  begin(live: Live): void {
    this.live = live;
    if (this.isHeld) this.hold(live);
  }

  /** The connection is no more, or on its way out. */
  end(): void {
    this.live = undefined;
    this.isLooking = false;
    this.cancelLook();
  }

  /** Reads no more, so that TCP slows the server down. `forGood`: not even a look at what comes now and then. */
  pause(forGood: boolean): void {
    this.cancelLook();
    this.isHeld = true;
    this.beyond = forGood ? MOST_BEYOND : 0;
    if (this.live !== undefined) this.hold(this.live);
  }

  /** A frame came. In one turn Node reads up to 2 MiB of a busy socket, so a look has a limit of its own. */
  heard(bytes: number): void {
    if (!this.isHeld) return;
    this.beyond += bytes;
    if (!this.isLooking || this.beyond < this.lookLimit) return;
    this.isLooking = false;
    this.live?.socket.pause();
  }

  resume(): void {
    if (!this.isHeld) return;
    this.isHeld = false;
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
    if (this.beyond >= MOST_BEYOND) return;
    this.cancelLook = this.clock.after(LOOK_INTERVAL, () => {
      this.isLooking = true;
      this.lookLimit = this.beyond + MOST_A_LOOK;
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
