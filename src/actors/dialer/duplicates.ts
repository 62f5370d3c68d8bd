import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { RepeatedWarning } from './repeated-warning.ts';

/** Milliseconds after a reconnect in which a server repeats what it sent before. */
const REPLAY = 10_000;
/** Milliseconds between two warnings. */
const INTERVAL = 60_000;

export interface DuplicatesOptions {
  /** Where the feed stands in the configuration. */
  readonly path: string;
  /** The URL as it may be shown. */
  readonly name: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Tells what was dropped as a duplicate of an earlier message of the same server. Right after a reconnect that is what
 * servers do, and one line says how many there were. At any other time messages may be lost by it, such as those of a
 * server that has begun its numbers anew: that is a warning.
 */
export class Duplicates {
  private readonly options: DuplicatesOptions;
  private readonly warning: RepeatedWarning;
  /** Milliseconds since the epoch until which the last connect explains duplicates. */
  private expectedUntil = 0;
  private hasBeenLive = false;
  private expected = 0;
  private cancelTimer: () => void = () => {};

  constructor(options: DuplicatesOptions) {
    this.options = options;
    this.warning = new RepeatedWarning({
      interval: INTERVAL,
      clock: options.clock,
      first: (count) => this.warn(count, ''),
      more: (count) => this.warn(count, ' since the last warning'),
    });
  }

  live(): void {
    this.expectedUntil = this.hasBeenLive ? this.options.clock.now() + REPLAY : 0;
    this.hasBeenLive = true;
  }

  /** What comes before it is live again belongs to the next connection. */
  lost(): void {
    this.tellExpected();
    this.expectedUntil = Number.POSITIVE_INFINITY;
  }

  dropped(): void {
    const { clock } = this.options;
    if (clock.now() >= this.expectedUntil) {
      this.warning.happened();
      return;
    }
    this.expected += 1;
    if (this.expected === 1) this.cancelTimer = clock.after(REPLAY, () => this.tellExpected());
  }

  /** With the last lines. */
  stop(): void {
    this.lost();
    this.warning.stop();
  }

  private tellExpected(): void {
    const { path, name, logger } = this.options;
    const { expected } = this;
    this.cancelTimer();
    this.expected = 0;
    if (expected === 0) return;
    logger.info(
      { url: name, duplicates: expected },
      `${path}: dropped ${counted(expected)} that ${name} repeated after the reconnect`,
    );
  }

  private warn(count: number, since: string): void {
    const { path, name, logger } = this.options;
    logger.warn(
      { url: name, duplicates: count },
      `${path}: dropped ${counted(count)} of ${name} as duplicates${since}, and no reconnect explains them; if they are new, the server uses its ids again: make dedupe.id tell them apart, or shorten dedupe.within`,
    );
  }
}

function counted(messages: number): string {
  return messages === 1 ? '1 message' : `${messages} messages`;
}
