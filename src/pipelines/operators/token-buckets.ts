import { BucketRule, type Clock } from '../../sdk/index.ts';
import { RecentKeys } from './recent-keys.ts';

export interface BucketSettings {
  readonly perSecond: number;
  /** Tokens of a full bucket. */
  readonly burst: number;
  /** Buckets that are kept. */
  readonly keys: number;
  readonly clock: Clock;
}

/** A bucket of tokens for each key, filled at an even pace. */
export class TokenBuckets {
  private readonly rule: BucketRule;
  private readonly clock: Clock;
  /** When each bucket is full, by `Clock.elapsed`. */
  private readonly fullAt: RecentKeys<number>;

  constructor({ perSecond, burst, keys, clock }: BucketSettings) {
    this.rule = new BucketRule({ count: perSecond, period: 1_000 }, (burst * 1_000) / perSecond);
    this.clock = clock;
    this.fullAt = new RecentKeys(keys);
  }

  /** Takes a token and gives 0, or takes none and gives the milliseconds until there is one. */
  take(key: string): number {
    const now = this.clock.elapsed();
    const fullAt = this.rule.taken(this.fullAt.get(key) ?? now, 1, now);
    if (this.rule.isOver(fullAt, now)) return fullAt - now - this.rule.depth;
    this.fullAt.set(key, fullAt);
    return 0;
  }
}
