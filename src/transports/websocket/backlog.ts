/** Seconds that refused clients are spread over at least and at most. */
const MIN_SPREAD = 2;
const MAX_SPREAD = 60;

/**
 * When refused clients shall come back: at moments of their own, over as much time as it takes to let in all of those that were
 * refused lately. With the same moment for all of them, the storm would come again.
 */
export class Backlog {
  private readonly perSecond: number;
  private readonly random: () => number;
  /** Clients that would wait if they queued, and when that was so. */
  private size = 0;
  private at = 0;

  constructor(perSecond: number, random: () => number = Math.random) {
    this.perSecond = perSecond;
    this.random = random;
  }

  /** Whole seconds for Retry-After of one more that is refused. `now` in milliseconds. */
  retryAfter(now: number): number {
    const left = this.size - ((now - this.at) / 1_000) * this.perSecond;
    this.size = Math.max(0, left) + 1;
    this.at = now;
    const spread = Math.min(MAX_SPREAD, Math.max(MIN_SPREAD, this.size / this.perSecond));
    return 1 + Math.floor(this.random() * spread);
  }
}
