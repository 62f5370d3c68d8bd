import type { Clock } from '../../core/clock.ts';
import type { RemoteSocket } from '../../core/remote.ts';
import type { Heartbeat } from './heartbeat.ts';

/** A socket that is not read is read for one turn so often, to see a close, a pong, or a ping that wants an answer. */
const PROBE_INTERVAL = 10_000;
/** How often in a row: each look may bring a read chunk of 64 KiB beyond the mark of the gate. */
const MOST_PROBES = 64;

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
  private probes = 0;
  private cancelProbe: () => void = () => {};

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
    this.cancelProbe();
  }

  /** Reads no more, so that TCP slows the server down. `forGood`: not even a look at what comes now and then. */
  pause(forGood: boolean): void {
    this.cancelProbe();
    this.isHeld = true;
    this.probes = forGood ? MOST_PROBES : 0;
    if (this.live !== undefined) this.hold(this.live);
  }

  resume(): void {
    if (!this.isHeld) return;
    this.isHeld = false;
    this.cancelProbe();
    this.live?.socket.resume();
    this.live?.heartbeat.release();
  }

  private hold(live: Live): void {
    live.socket.pause();
    live.heartbeat.hold();
    this.probeLater(live);
  }

  private probeLater(live: Live): void {
    if (this.probes >= MOST_PROBES) return;
    this.cancelProbe = this.clock.after(PROBE_INTERVAL, () => {
      this.probes += 1;
      live.socket.resume();
      // Timers run before the poll phase and immediates after it, so the socket is read exactly once in between.
      setImmediate(() => {
        if (!this.isHeld || this.live !== live) return;
        live.socket.pause();
        this.probeLater(live);
      });
    });
  }
}
