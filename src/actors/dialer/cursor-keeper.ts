import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { CursorStore, FeedPosition } from './cursor-store.ts';

/** Milliseconds between saves: what came in the last of them may come twice after a kill. */
const INTERVAL = 1_000;

export interface CursorKeeperOptions {
  readonly store: CursorStore;
  /** Name of the feed in the store. */
  readonly feed: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Saves a position now and then, and at the end. */
export class CursorKeeper {
  private readonly options: CursorKeeperOptions;
  private unsaved: FeedPosition | undefined;
  private saving: Promise<void> | undefined;
  private cancelTimer: (() => void) | undefined;

  constructor(options: CursorKeeperOptions) {
    this.options = options;
  }

  load(signal: AbortSignal): Promise<FeedPosition | undefined> {
    return this.options.store.load(this.options.feed, signal);
  }

  moved(position: FeedPosition): void {
    this.unsaved = position;
    this.cancelTimer ??= this.options.clock.after(INTERVAL, () => {
      this.cancelTimer = undefined;
      void this.save();
    });
  }

  /** Resolves when the last position is saved, or could not be. */
  async flush(): Promise<void> {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    await this.saving;
    await this.save();
  }

  private save(): Promise<void> {
    this.saving ??= this.saveLast().finally(() => {
      this.saving = undefined;
    });
    return this.saving;
  }

  /** Also what comes while it saves. */
  private async saveLast(): Promise<void> {
    const { store, feed, logger } = this.options;
    for (let position = this.unsaved; position !== undefined; position = this.unsaved) {
      this.unsaved = undefined;
      try {
        await store.save(feed, position);
      } catch (error) {
        logger.error({ feed, error }, `the cursor of ${feed} could not be saved: ${(error as Error).message}`);
        return;
      }
      if (this.cancelTimer !== undefined) return;
    }
  }
}
