import type { BucketRule } from '../../core/token-bucket.ts';

/** Addresses that are remembered; with more, the one that was silent longest is forgotten. */
const MAX_ADDRESSES = 100_000;
/** Addresses that are looked at for each one that comes, to forget those whose bucket is full again. */
const LOOKS = 2;

/** A token bucket for each address that has used it lately. */
export class AddressQuotas {
  private readonly rule: BucketRule;
  private readonly most: number;
  /** When each bucket is full again; the address that was silent longest is first. */
  private readonly fullAt = new Map<string, number>();

  constructor(rule: BucketRule, most = MAX_ADDRESSES) {
    this.rule = rule;
    this.most = most;
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.fullAt.size;
  }

  /** Takes one token, if there is one. */
  take(address: string, now: number): boolean {
    const { rule, fullAt } = this;
    this.forget(now);
    const before = fullAt.get(address) ?? now;
    const after = rule.taken(before, 1, now);
    const isWithin = !rule.isOver(after, now);
    // Deleted first: its place is behind all others then.
    fullAt.delete(address);
    if (fullAt.size >= this.most) this.forgetOldest();
    fullAt.set(address, isWithin ? after : before);
    return isWithin;
  }

  private forgetOldest(): void {
    for (const address of this.fullAt.keys()) {
      this.fullAt.delete(address);
      return;
    }
  }

  private forget(now: number): void {
    let looks = LOOKS;
    for (const [address, time] of this.fullAt) {
      if (looks === 0 || time > now) return;
      looks -= 1;
      this.fullAt.delete(address);
    }
  }
}
