import type { Clock } from '../../core/clock.ts';

/** Spaces the attempts of several connections to connect to one server, so that they are not all made at once. */
export class ConnectPace {
  /** Milliseconds. */
  private readonly interval: number;
  private readonly clock: Pick<Clock, 'elapsed'>;
  /** When attempts are made, by `Clock.elapsed`, the earliest first. */
  private times: number[] = [];

  constructor(interval: number, clock: Pick<Clock, 'elapsed'>) {
    this.interval = interval;
    this.clock = clock;
  }

  /** Milliseconds until an attempt that may be made in `delay` at the earliest. It is counted as made then. */
  reserve(delay: number): number {
    if (this.interval === 0) return delay;
    const now = this.clock.elapsed();
    this.times = this.times.filter((time) => time > now - this.interval);
    let at = now + delay;
    let index = 0;
    for (const time of this.times) {
      if (time >= at + this.interval) break;
      if (time > at - this.interval) at = time + this.interval;
      index += 1;
    }
    this.times.splice(index, 0, at);
    return at - now;
  }
}
