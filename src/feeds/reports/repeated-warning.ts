import type { Clock } from '../../core/clock.ts';

export interface RepeatedWarningOptions {
  /** Milliseconds between two warnings. */
  readonly interval: number;
  readonly clock: Clock;
  /** The first warning. `count`: how often it has happened by then. */
  readonly first: (count: number) => void;
  /** `count`: how often it has happened since the previous warning. */
  readonly more: (count: number) => void;
}

/** Warns at once, and then at intervals how often it has happened, as long as it continues. */
export class RepeatedWarning {
  private readonly options: RepeatedWarningOptions;
  private unreported = 0;
  private cancel: (() => void) | undefined;

  constructor(options: RepeatedWarningOptions) {
    this.options = options;
  }

  happened(count = 1): void {
    if (this.cancel !== undefined) {
      this.unreported += count;
      return;
    }
    this.options.first(count);
    this.wait();
  }

  /** Logs what has not been logged. */
  stop(): void {
    this.cancel?.();
    this.cancel = undefined;
    this.report();
  }

  private wait(): void {
    this.cancel = this.options.clock.after(this.options.interval, () => {
      this.cancel = undefined;
      if (this.report()) this.wait();
    });
  }

  private report(): boolean {
    const { unreported } = this;
    this.unreported = 0;
    if (unreported > 0) this.options.more(unreported);
    return unreported > 0;
  }
}
