import type { ComponentContext, CursorStore } from '../../sdk/context.ts';
import type { ShardPlan } from './shard-plan.ts';

export interface ShardPlacesOptions {
  readonly store: CursorStore;
  /** Of the places in the store. */
  readonly name: string;
  readonly context: Pick<ComponentContext, 'clock' | 'logger'>;
}

/** Keeps which connection has which symbols, because the cursors are those of connections. */
export class ShardPlaces {
  private readonly options: ShardPlacesOptions;
  private unsaved: string | undefined;
  private saving: Promise<void> | undefined;

  constructor(options: ShardPlacesOptions) {
    this.options = options;
  }

  /** Places the symbols as an earlier run of the feed did. */
  async load(plan: ShardPlan, signal: AbortSignal): Promise<void> {
    const { store, name } = this.options;
    const saved = await store.load(name, signal);
    if (saved?.cursor !== undefined) plan.restore(placesIn(saved.cursor));
  }

  /** Without waiting. */
  save(plan: ShardPlan): void {
    this.unsaved = JSON.stringify(plan.saved());
    this.saving ??= this.saveLast().finally(() => {
      this.saving = undefined;
    });
  }

  /** Resolves when the last places are saved, or saving them has failed. */
  async flush(): Promise<void> {
    await this.saving;
  }

  private async saveLast(): Promise<void> {
    const { store, name, context } = this.options;
    const { clock, logger } = context;
    for (let cursor = this.unsaved; cursor !== undefined; cursor = this.unsaved) {
      this.unsaved = undefined;
      try {
        await store.save(name, { cursor, heardAt: clock.now() });
      } catch (error) {
        const why = (error as Error).message;
        logger.error({ feed: name, error }, `which connection has which symbols could not be saved (${name}): ${why}`);
      }
    }
  }
}

/** What was saved by something else counts as nothing. */
function placesIn(json: string): string[][] {
  const value: unknown = JSON.parse(json);
  if (!Array.isArray(value)) return [];
  return value.map((shard) => (Array.isArray(shard) ? shard.filter((each) => typeof each === 'string') : []));
}
