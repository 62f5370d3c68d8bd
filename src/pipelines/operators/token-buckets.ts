import type { Clock } from '../../sdk/index.ts';
import { RecentKeys } from './recent-keys.ts';

interface Bucket {
  /** Tokens at the time `at`, by `Clock.elapsed`; a part of one counts too. */
  tokens: number;
  at: number;
}

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
  private readonly settings: BucketSettings;
  private readonly buckets: RecentKeys<Bucket>;

  constructor(settings: BucketSettings) {
    this.settings = settings;
    this.buckets = new RecentKeys(settings.keys);
  }

  /** Takes a token and gives 0, or takes none and gives the milliseconds until there is one. */
  take(key: string): number {
    const { perSecond, burst, clock } = this.settings;
    const now = clock.elapsed();
    const bucket = this.buckets.get(key) ?? this.buckets.set(key, { tokens: burst, at: now });
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) * perSecond) / 1_000);
    bucket.at = now;
    // What was waited for is there, though the sum of many small steps may be a hair below it.
    if (bucket.tokens < 1 - 1e-6) return ((1 - bucket.tokens) * 1_000) / perSecond;
    bucket.tokens -= 1;
    return 0;
  }
}
