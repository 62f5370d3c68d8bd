import { formatDuration } from '../../core/units.ts';
import type { ComponentContext } from '../../sdk/context.ts';

/** Milliseconds between two warnings. */
const INTERVAL = 60_000;

export interface RepeatedWarningOptions {
  readonly context: Pick<ComponentContext, 'clock' | 'logger'>;
  /** Milliseconds between two warnings; a minute if it is not given. */
  readonly interval?: number;
  /** What all lines have. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** The field that says how often it has happened since the previous warning. */
  readonly counted: string;
  /** The first warning. */
  readonly first: () => string;
  /** A later one. `count`: how often it has happened since the previous warning; `within`: the time between the two. */
  readonly more: (count: number, within: string) => string;
}

/** Warns at once, and then at intervals how often it has happened, as long as it continues. */
export class RepeatedWarning {
  private readonly options: RepeatedWarningOptions;
  private readonly interval: number;
  private unreported = 0;
  private cancel: (() => void) | undefined;

  constructor(options: RepeatedWarningOptions) {
    this.options = options;
    this.interval = options.interval ?? INTERVAL;
  }

  happened(): void {
    if (this.cancel !== undefined) {
      this.unreported += 1;
      return;
    }
    this.warn(1, this.options.first());
    this.wait();
  }

  /** Logs what has not been logged. */
  stop(): void {
    this.cancel?.();
    this.cancel = undefined;
    this.report();
  }

  private wait(): void {
    this.cancel = this.options.context.clock.after(this.interval, () => {
      this.cancel = undefined;
      if (this.report()) this.wait();
    });
  }

  private report(): boolean {
    const { unreported } = this;
    this.unreported = 0;
    if (unreported > 0) this.warn(unreported, this.options.more(unreported, formatDuration(this.interval)));
    return unreported > 0;
  }

  private warn(count: number, text: string): void {
    const { context, fields, counted } = this.options;
    context.logger.warn({ ...fields, [counted]: count }, text);
  }
}
