import type { Clock } from '../../../core/clock.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import type { Counter } from '../../../telemetry/stats.ts';
import { logError } from '../wire/protocol-errors.ts';

export interface CommitsOptions {
  readonly group: string;
  /** Milliseconds. */
  readonly interval: number;
  /** Commits what is settled; resolves with whether there was anything. */
  readonly commit: () => Promise<boolean>;
  readonly counter: Counter;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** When a group member commits: now and then and when it is asked to, one commit after the other, and never in doubt. */
export class Commits {
  /** Whether no other member had our partitions meanwhile: until that is known a commit could undo another's. */
  isSure = true;
  private readonly options: CommitsOptions;
  private last: Promise<void> = Promise.resolve();
  private isStopped = false;
  private cancelTimer: () => void = () => {};

  constructor(options: CommitsOptions) {
    this.options = options;
  }

  start(): void {
    const again = () => {
      if (!this.isStopped) this.start();
    };
    this.cancelTimer = this.options.clock.after(this.options.interval, () => {
      this.commit().then(again, again);
    });
  }

  /** No more by itself. */
  stop(): void {
    this.isStopped = true;
    this.cancelTimer();
  }

  commit(): Promise<void> {
    const next = this.last.catch(() => undefined).then(() => this.commitNow());
    this.last = next;
    return next;
  }

  /** As `commit`, where the next one may do what this one cannot. */
  async tryToCommit(): Promise<void> {
    await this.commit().catch(() => undefined);
  }

  private async commitNow(): Promise<void> {
    if (!this.isSure) return;
    const { group, commit, counter, logger } = this.options;
    try {
      if (await commit()) counter.value += 1;
    } catch (error) {
      const failure = logError(error, `group ${group}: commit`);
      logger.debug({ group, reason: failure.message }, 'offsets were not committed');
      throw failure;
    }
  }
}
