import { type Clock, jitterOf } from '../../core/clock.ts';

/** A clock whose timers can be ended together, as those of a process that ends. */
export class ScopedClock implements Clock {
  private readonly clock: Clock;
  private readonly timers = new Set<() => void>();
  private isOver = false;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  now(): number {
    return this.clock.now();
  }

  elapsed(): number {
    return this.clock.elapsed();
  }

  jitter(): number {
    return jitterOf(this.clock);
  }

  /** Timers that were neither called nor cancelled. */
  get pending(): number {
    return this.timers.size;
  }

  after(milliseconds: number, callback: () => void): () => void {
    if (this.isOver) return () => {};
    const end = this.clock.after(milliseconds, () => {
      this.timers.delete(end);
      callback();
    });
    this.timers.add(end);
    return () => {
      this.timers.delete(end);
      end();
    };
  }

  /** No timer is called any more. */
  cut(): void {
    this.isOver = true;
    for (const end of this.timers) end();
    this.timers.clear();
  }
}
