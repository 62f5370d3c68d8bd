import type { Clock } from '../../core/clock.ts';

interface Timer {
  readonly due: number;
  readonly callback: () => void;
}

/** The clock of components under a law: it begins at the same time in each run, and stands still unless it is moved. */
export class LawClock implements Clock {
  private time = Date.UTC(2024, 0, 1);
  private readonly timers = new Set<Timer>();

  now(): number {
    return this.time;
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
    for (let next = this.first(); next !== undefined && next.due <= end; next = this.first()) this.call(next);
    this.time = end;
  }

  /** Moves to the next timer and calls it back. False where there is none. */
  toNextTimer(): boolean {
    const next = this.first();
    if (next !== undefined) this.call(next);
    return next !== undefined;
  }

  private call(timer: Timer): void {
    this.time = Math.max(this.time, timer.due);
    this.timers.delete(timer);
    timer.callback();
  }

  private first(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.timers) if (first === undefined || timer.due < first.due) first = timer;
    return first;
  }
}
