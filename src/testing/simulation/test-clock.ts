import type { Clock } from '../../core/clock.ts';

/** 2024-01-01T00:00:00Z. */
export const BEGINNING = Date.UTC(2024, 0, 1);

interface Timer {
  readonly due: number;
  readonly callback: () => void;
}

/** Time that stands still until it is moved. */
export class TestClock implements Clock {
  private readonly begun: number;
  private time = 0;
  /** By when they are due; those of the same moment in the order in which they were set. */
  private readonly timers: Timer[] = [];

  /** `begun`: milliseconds since the epoch at which it stands at first; 2024-01-01T00:00:00Z if left out. */
  constructor(begun: number = BEGINNING) {
    this.begun = begun;
  }

  now(): number {
    return this.begun + this.time;
  }

  elapsed(): number {
    return this.time;
  }

  after(milliseconds: number, callback: () => void): () => void {
    const timer = { due: this.time + Math.max(0, milliseconds), callback };
    let at = this.timers.length;
    while (at > 0 && (this.timers[at - 1] as Timer).due > timer.due) at -= 1;
    this.timers.splice(at, 0, timer);
    return () => {
      const found = this.timers.indexOf(timer);
      if (found >= 0) this.timers.splice(found, 1);
    };
  }

  /** Pauses have the full length that is configured. */
  jitter(): number {
    return 1;
  }

  /** Timers that were neither called nor cancelled. */
  get pending(): number {
    return this.timers.length;
  }

  /** Milliseconds until the next timer is due; undefined where there is none. */
  get next(): number | undefined {
    const [timer] = this.timers;
    return timer === undefined ? undefined : timer.due - this.time;
  }

  /** Moves time on, and calls what is due by then in its order, also what that sets. */
  advance(milliseconds: number): void {
    const end = this.time + milliseconds;
    for (let [timer] = this.timers; timer !== undefined && timer.due <= end; [timer] = this.timers) {
      this.timers.shift();
      this.time = Math.max(this.time, timer.due);
      timer.callback();
    }
    this.time = end;
  }
}
