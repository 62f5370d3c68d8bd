import type { Clock } from '../core/clock.ts';

/**
 * Picks one in 1/ratio at random. The distance to the next pick is drawn when one is picked, so that all the others
 * cost a comparison.
 */
export class RatioSampler {
  private readonly ratio: number;
  private readonly random: () => number;
  private left: number;

  /** `ratio` from 0 (none) to 1 (all); `random` gives numbers from 0 to below 1. */
  constructor(ratio: number, random: () => number = Math.random) {
    this.ratio = ratio;
    this.random = random;
    this.left = this.distance();
  }

  picks(): boolean {
    if (this.left > 0) {
      this.left -= 1;
      return false;
    }
    this.left = this.distance();
    return true;
  }

  /** How many are skipped before the next pick: geometrically distributed. */
  private distance(): number {
    if (this.ratio >= 1) return 0;
    if (this.ratio <= 0) return Number.POSITIVE_INFINITY;
    return Math.floor(Math.log(1 - this.random()) / Math.log(1 - this.ratio));
  }
}

/** At most so many in one second of the clock. */
export class PerSecondLimit {
  private readonly perSecond: number;
  private readonly clock: Clock;
  private second = Number.NaN;
  private taken = 0;

  constructor(perSecond: number, clock: Clock) {
    this.perSecond = perSecond;
    this.clock = clock;
  }

  takes(): boolean {
    const second = Math.floor(this.clock.elapsed() / 1_000);
    if (second !== this.second) {
      this.second = second;
      this.taken = 0;
    }
    if (this.taken >= this.perSecond) return false;
    this.taken += 1;
    return true;
  }
}
