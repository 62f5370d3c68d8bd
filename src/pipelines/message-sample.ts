import type { Message } from '../core/message.ts';
import type { Expression } from '../sdk/expression.ts';
import type { Watcher } from './tap-point.ts';

export interface SampleOptions {
  /** Which messages are meant; all of them where it is left out. */
  readonly filter?: Expression | undefined;
  /** Most messages of a second that are shown. */
  readonly perSecond: number;
  readonly show: (message: Message) => void;
  /** The filter failed for a message, with a reason that is reported once. */
  readonly failed: (reason: string) => void;
  readonly ended: () => void;
  /** Milliseconds, at an even pace. */
  readonly elapsed: () => number;
}

/** Milliseconds of each second that looking at messages may take, so that a tap does not slow the pipeline down. */
const MAX_TIME = 50;

/** Messages whose filter is still being evaluated. */
const MAX_PENDING = 64;

/** Shows some of the messages at a place, within a rate and a share of the processor's time. Counts those that it leaves out. */
export class MessageSample implements Watcher {
  private readonly options: SampleOptions;
  private second = Number.NEGATIVE_INFINITY;
  private taken = 0;
  private spent = 0;
  private pending = 0;
  private skipped = 0;
  private hasFailed = false;

  constructor(options: SampleOptions) {
    this.options = options;
  }

  /** How many were left out since the last call. */
  takeSkipped(): number {
    const { skipped } = this;
    this.skipped = 0;
    return skipped;
  }

  observe(messages: readonly Message[]): void {
    const begun = this.options.elapsed();
    if (begun - this.second >= 1_000) {
      this.second = begun;
      this.taken = 0;
      this.spent = 0;
    }
    for (let at = 0; at < messages.length; at += 1) {
      if (!this.mayLook(begun)) {
        this.skipped += messages.length - at;
        break;
      }
      this.look(messages[at] as Message);
    }
    this.spent += this.options.elapsed() - begun;
  }

  ended(): void {
    this.options.ended();
  }

  private mayLook(begun: number): boolean {
    const { perSecond, elapsed } = this.options;
    return this.taken < perSecond && this.pending < MAX_PENDING && this.spent + elapsed() - begun < MAX_TIME;
  }

  private look(message: Message): void {
    // It was shown when it was read for the first time.
    if (message.isReplayed) return;
    const { filter } = this.options;
    try {
      const verdict = filter === undefined || filter.evaluate(message);
      if (verdict instanceof Promise) this.wait(message, verdict);
      else if (verdict) this.take(message);
    } catch (error) {
      this.fail(error);
    }
  }

  private wait(message: Message, verdict: Promise<unknown>): void {
    this.pending += 1;
    verdict
      .then(
        (found) => {
          if (found) this.take(message);
        },
        (error: unknown) => this.fail(error),
      )
      .finally(() => {
        this.pending -= 1;
      });
  }

  private take(message: Message): void {
    this.taken += 1;
    this.options.show(message);
  }

  private fail(error: unknown): void {
    if (this.hasFailed) return;
    this.hasFailed = true;
    this.options.failed(error instanceof Error ? error.message : String(error));
  }
}
