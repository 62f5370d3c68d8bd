import type { ComponentContext } from '../../sdk/context.ts';
import { RepeatedWarning } from '../reports/repeated-warning.ts';

/** Milliseconds after a reconnect in which servers repeat messages. */
const REPLAY = 10_000;

type DuplicatesContext = Pick<ComponentContext, 'path' | 'clock' | 'logger'>;

/**
 * Logs messages that were dropped as duplicates of earlier messages of the same server. After a reconnect servers repeat
 * messages, and one line has their number. At any other time the messages may have been new, such as those of a server
 * that has started its numbers again: that is a warning.
 */
export class Duplicates {
  /** The URL as it may be shown. */
  private readonly name: string;
  private readonly context: DuplicatesContext;
  private readonly warning: RepeatedWarning;
  /** Until when, by `Clock.elapsed`, the last connect explains duplicates. */
  private expectedUntil = 0;
  private hasBeenLive = false;
  private expected = 0;
  private cancelTimer: () => void = () => {};

  constructor(name: string, context: DuplicatesContext) {
    this.name = name;
    this.context = context;
    this.warning = new RepeatedWarning({
      context,
      fields: { url: name },
      counted: 'duplicates',
      first: () => this.unexplained(1, ''),
      more: (count) => this.unexplained(count, ' since the last warning'),
    });
  }

  live(): void {
    this.expectedUntil = this.hasBeenLive ? this.context.clock.elapsed() + REPLAY : 0;
    this.hasBeenLive = true;
  }

  /** Duplicates before the next `live` belong to the next connection. */
  lost(): void {
    this.logExpected();
    this.expectedUntil = Number.POSITIVE_INFINITY;
  }

  dropped(): void {
    const { clock } = this.context;
    if (clock.elapsed() >= this.expectedUntil) {
      this.warning.happened();
      return;
    }
    this.expected += 1;
    if (this.expected === 1) this.cancelTimer = clock.after(REPLAY, () => this.logExpected());
  }

  /** Logs what has not been logged. */
  stop(): void {
    this.lost();
    this.warning.stop();
  }

  private logExpected(): void {
    const { name, expected } = this;
    const { path, logger } = this.context;
    this.cancelTimer();
    this.expected = 0;
    if (expected === 0) return;
    logger.info(
      { url: name, duplicates: expected },
      `${path}: dropped ${counted(expected)} that ${name} repeated after the reconnect`,
    );
  }

  private unexplained(count: number, since: string): string {
    const { name, context } = this;
    return `${context.path}: dropped ${counted(count)} of ${name} as duplicates${since}, and no reconnect explains them; if they are new, the server uses its ids again: make dedupe.id tell them apart, or shorten dedupe.within`;
  }
}

function counted(messages: number): string {
  return messages === 1 ? '1 message' : `${messages} messages`;
}
