import type { Clock } from '../../core/clock.ts';
import { formatDuration } from '../../core/units.ts';
import type { Logger } from '../../telemetry/logger.ts';

/** Milliseconds between two lines. */
const INTERVAL = 10_000;

export interface DropAlarmOptions {
  readonly path: string;
  readonly overflow: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Says that messages are dropped: at once, and then how many there were, as long as it goes on. */
export class DropAlarm {
  private readonly options: DropAlarmOptions;
  private untold = 0;
  private cancel: (() => void) | undefined;

  constructor(options: DropAlarmOptions) {
    this.options = options;
  }

  dropped(): void {
    if (this.cancel !== undefined) {
      this.untold += 1;
      return;
    }
    const { path, overflow, logger } = this.options;
    logger.warn(
      { overflow },
      `${path}: the pipeline holds and the buffer is full, so messages are dropped (${overflow})`,
    );
    this.wait();
  }

  /** With a last line. */
  stop(): void {
    this.cancel?.();
    this.cancel = undefined;
    this.tell();
  }

  private wait(): void {
    this.cancel = this.options.clock.after(INTERVAL, () => {
      this.cancel = undefined;
      if (this.tell()) this.wait();
    });
  }

  private tell(): boolean {
    const { path, overflow, logger } = this.options;
    const { untold } = this;
    this.untold = 0;
    if (untold > 0)
      logger.warn(
        { overflow, dropped: untold },
        `${path}: ${untold} more messages were dropped (${overflow}) within ${formatDuration(INTERVAL)}`,
      );
    return untold > 0;
  }
}
