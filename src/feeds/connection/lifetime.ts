import { type Clock, jitterOf } from '../../core/clock.ts';

/** The part of an age that is random, so that the gateways of a fleet do not reconnect at the same time. */
const RANDOM_PART = 0.1;

/** Says when a connection is so old that a new one should replace it. */
export class Lifetime {
  private readonly every: number | undefined;
  private readonly clock: Clock;
  private readonly over: () => void;
  private cancel: () => void = () => {};

  /** `every`: the age in milliseconds; undefined for any age. */
  constructor(every: number | undefined, clock: Clock, over: () => void) {
    this.every = every;
    this.clock = clock;
    this.over = over;
  }

  /** A connection begins. */
  begin(): void {
    const { every, clock } = this;
    this.cancel();
    if (every !== undefined) this.cancel = clock.after(every * (1 - RANDOM_PART * jitterOf(clock)), this.over);
  }

  /** It has ended. */
  end(): void {
    this.cancel();
  }
}
