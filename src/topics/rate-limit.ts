import type { Clock } from '../core/clock.ts';

const MINUTE = 60_000;

/** A limit per minute for each address, over all its connections. */
export class RateLimit {
  private readonly perMinute: number;
  private readonly clock: Clock;
  /** When something was taken within the last minute, by address. */
  private readonly taken = new Map<string, number[]>();
  private sweptAt = Number.NEGATIVE_INFINITY;

  constructor(perMinute: number, clock: Clock) {
    this.perMinute = perMinute;
    this.clock = clock;
  }

  /** Whether so many more are within the limit; takes nothing. */
  has(address: string, count: number): boolean {
    return this.recent(address).length + count <= this.perMinute;
  }

  /** Returns the time of what was taken, for `giveBack`. */
  take(address: string, count: number): number {
    const now = this.clock.elapsed();
    if (count > 0) this.taken.set(address, [...this.recent(address), ...Array.from({ length: count }, () => now)]);
    if (now - this.sweptAt >= MINUTE) {
      this.sweptAt = now;
      for (const other of this.taken.keys()) if (this.recent(other).length === 0) this.taken.delete(other);
    }
    return now;
  }

  /** One of what was taken at that time was not needed. */
  giveBack(address: string, time: number): void {
    const times = this.taken.get(address) ?? [];
    const at = times.indexOf(time);
    if (at !== -1) times.splice(at, 1);
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.taken.size;
  }

  private recent(address: string): number[] {
    const now = this.clock.elapsed();
    return (this.taken.get(address) ?? []).filter((time) => now - time < MINUTE);
  }
}
