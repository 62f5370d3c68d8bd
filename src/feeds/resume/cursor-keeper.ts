import type { ComponentContext, CursorStore, SavedCursor } from '../../sdk/context.ts';

/** Milliseconds between saves: messages of the last interval may be received twice after a kill. */
const INTERVAL = 1_000;

type KeeperContext = Pick<ComponentContext, 'clock' | 'logger'>;

/** Saves the latest cursor at intervals, and at the end. */
export class CursorKeeper {
  private readonly store: CursorStore;
  /** Of the feed in the store. */
  private readonly name: string;
  private readonly context: KeeperContext;
  private unsaved: SavedCursor | undefined;
  private saving: Promise<void> | undefined;
  private cancelTimer: (() => void) | undefined;

  constructor(store: CursorStore, name: string, context: KeeperContext) {
    this.store = store;
    this.name = name;
    this.context = context;
  }

  load(signal: AbortSignal): Promise<SavedCursor | undefined> {
    return this.store.load(this.name, signal);
  }

  moved(cursor: SavedCursor): void {
    this.unsaved = cursor;
    this.cancelTimer ??= this.context.clock.after(INTERVAL, () => {
      this.cancelTimer = undefined;
      void this.save();
    });
  }

  /** Resolves when the last cursor is saved, or saving it has failed. */
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

  /** Also saves cursors that come meanwhile. */
  private async saveLast(): Promise<void> {
    const { store, name, context } = this;
    for (let cursor = this.unsaved; cursor !== undefined; cursor = this.unsaved) {
      this.unsaved = undefined;
      try {
        await store.save(name, cursor);
      } catch (error) {
        context.logger.error(
          { feed: name, error },
          `the cursor of ${name} could not be saved: ${(error as Error).message}`,
        );
        return;
      }
      if (this.cancelTimer !== undefined) return;
    }
  }
}
