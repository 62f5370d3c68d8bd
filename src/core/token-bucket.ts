import type { Quota } from './units.ts';

/** What clocks and sums of doubles may be wrong by, in milliseconds. */
const TOLERANCE = 1e-3;

/**
 * A token bucket as the moment at which it is full again, in milliseconds of one clock: a number is all its state, and it fills by
 * itself. (The Generic Cell Rate Algorithm, ITU-T I.371, is the same.)
 */
export class BucketRule {
  /** Milliseconds in which one token comes. */
  readonly interval: number;
  /** Milliseconds in which an empty bucket is full. */
  readonly depth: number;

  /** `depth`: milliseconds of the quota that may be taken at once; those of its period where it is left out. One token always may. */
  constructor({ count, period }: Quota, depth = period) {
    this.interval = period / count;
    this.depth = Math.max(depth, this.interval);
  }

  /** Takes tokens, more than there are if need be: the bucket then has a debt. */
  taken(fullAt: number, tokens: number, now: number): number {
    return Math.max(fullAt, now) + tokens * this.interval;
  }

  /** Whether there is a debt. */
  isOver(fullAt: number, now: number): boolean {
    return fullAt - now > this.depth + TOLERANCE;
  }
}

/** A full bucket. */
export const FULL = Number.NEGATIVE_INFINITY;
