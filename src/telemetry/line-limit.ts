import type { Clock } from '../core/clock.ts';

/** Where nothing else is asked for. */
const PAUSE = 60_000;

interface Subject {
  readonly quietUntil: number;
  /** Times since the last line. */
  meanwhile: number;
}

/** The end of a line about `count` occurrences: `; 3 were refused since the last such line`. */
export function sinceLastLine(count: number, what: string): string {
  return count === 1 ? '' : `; ${count} ${what} since the last such line`;
}

/**
 * Keeps what clients cause from filling the log: one line a minute for each subject, which says how often it has happened.
 * What makes a subject has to be bounded, because each is kept.
 */
export class LineLimit {
  private readonly clock: Clock;
  private readonly pause: number;
  private readonly subjects = new Map<string, Subject>();

  /** `pause`: milliseconds between two lines about one subject. */
  constructor(clock: Clock, pause = PAUSE) {
    this.clock = clock;
    this.pause = pause;
  }

  /** It has happened: how often since the last line, this time included, where another line is due; 0 where it is not. */
  count(subject: string): number {
    const now = this.clock.elapsed();
    const last = this.subjects.get(subject);
    if (last !== undefined && now < last.quietUntil) {
      last.meanwhile += 1;
      return 0;
    }
    this.subjects.set(subject, { quietUntil: now + this.pause, meanwhile: 0 });
    return 1 + (last?.meanwhile ?? 0);
  }
}
