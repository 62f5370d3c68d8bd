import type { Clock } from '../../../src/core/clock.ts';

/** A clock that moves only by `advance`. */
export class HandClock implements Clock {
  time = 1_000_000;
  private readonly timers = new Set<{ readonly due: number; readonly callback: () => void }>();

  /** Timers that were neither called nor cancelled. */
  get pending(): number {
    return this.timers.size;
  }

  /** Milliseconds by which the clock was set: its time of day jumps, and no timer notices. */
  stepped = 0;

  now(): number {
    return this.time + this.stepped;
  }

  elapsed(): number {
    return this.time;
  }

  after(milliseconds: number, callback: () => void): () => void {
    const timer = { due: this.time + milliseconds, callback };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  /** Calls back what is due until then, in the order of time. */
  advance(milliseconds: number): void {
    const end = this.time + milliseconds;
    for (let next = this.earliest(end); next !== undefined; next = this.earliest(end)) {
      this.time = next.due;
      this.timers.delete(next);
      next.callback();
    }
    this.time = end;
  }

  private earliest(end: number) {
    return [...this.timers].filter(({ due }) => due <= end).sort((a, b) => a.due - b.due)[0];
  }
}
