import type { Clock } from '../../core/clock.ts';

export interface RepeatedWarningOptions {
  /** Milliseconds between two lines. */
  readonly interval: number;
  readonly clock: Clock;
  /** The first line. `count`: how often it has happened by then. */
  readonly first: (count: number) => void;
  /** How often it has happened since the line before. */
  readonly more: (count: number) => void;
}

/** Says that something goes wrong: at once, and then how often it did, as long as it goes on. */
export class RepeatedWarning {
  private readonly options: RepeatedWarningOptions;
  private untold = 0;
  private cancel: (() => void) | undefined;

  constructor(options: RepeatedWarningOptions) {
    this.options = options;
  }

  happened(count = 1): void {
    if (this.cancel !== undefined) {
      this.untold += count;
      return;
    }
    this.options.first(count);
    this.wait();
  }

  /** With a last line. */
  stop(): void {
    this.cancel?.();
    this.cancel = undefined;
    this.tell();
  }

  private wait(): void {
    this.cancel = this.options.clock.after(this.options.interval, () => {
      this.cancel = undefined;
      if (this.tell()) this.wait();
    });
  }

  private tell(): boolean {
    const { untold } = this;
    this.untold = 0;
    if (untold > 0) this.options.more(untold);
    return untold > 0;
  }
}
