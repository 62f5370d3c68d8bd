import type { FeedContext } from '../context/feed-context.ts';
import type { ShardSettings } from '../settings/shard-settings.ts';
import type { FeedSettings } from '../settings/source-settings.ts';
import { ShardPlaces } from './shard-places.ts';
import { type PlanChange, type Shard, ShardPlan } from './shard-plan.ts';
import { isInShare, partOf } from './shard-share.ts';
import { type SymbolList, symbolListOf } from './symbol-list.ts';

/** Milliseconds: symbols that come one by one are subscribed to together. */
const GATHER = 200;

export interface ShardingOptions {
  readonly shards: ShardSettings;
  /** With one of them, the places of symbols are kept across a restart, as the cursors of connections are. */
  readonly settings: Pick<FeedSettings, 'resume' | 'gap'>;
  readonly context: FeedContext;
  readonly changed: (change: PlanChange) => void;
}

/** Follows the list of symbols, and spreads them over connections. */
export class Sharding {
  private readonly options: ShardingOptions;
  private readonly plan: ShardPlan;
  private readonly places: ShardPlaces | undefined;
  private readonly list: SymbolList;
  private hasPlaces = false;
  private cancelTimer: (() => void) | undefined;
  private isFollowing = false;

  constructor(options: ShardingOptions) {
    const { shards, settings, context } = options;
    const { resume, gap } = settings;
    this.options = options;
    this.plan = new ShardPlan(shards.per_connection);
    this.list = symbolListOf(shards, context);
    if (resume !== undefined || gap !== undefined)
      this.places = new ShardPlaces({
        store: context.gateway.cursors(resume?.topic),
        name: `${context.path} ${partOf(shards.share)}shards`,
        context,
      });
  }

  /** Those that have symbols. */
  get shards(): readonly Shard[] {
    return this.plan.used;
  }

  /** Number of symbols. */
  get size(): number {
    return this.plan.size;
  }

  /** Resolves with what has changed since the last time. Rejects with TG_FLOW_FAILED if the list cannot be read. */
  async open(signal: AbortSignal): Promise<PlanChange | undefined> {
    await this.list.open(() => this.updateLater(), signal);
    if (signal.aborted) return undefined;
    if (!this.hasPlaces) await this.places?.load(this.plan, signal);
    if (signal.aborted) return undefined;
    this.hasPlaces = true;
    this.isFollowing = true;
    return this.update();
  }

  /** The connections stay as they are from now on. */
  hold(): void {
    this.isFollowing = false;
    this.cancelTimer?.();
    this.cancelTimer = undefined;
  }

  async close(): Promise<void> {
    this.hold();
    await Promise.all([this.list.close(), this.places?.flush()]);
  }

  private updateLater(): void {
    if (!this.isFollowing) return;
    this.cancelTimer ??= this.options.context.clock.after(GATHER, () => {
      this.cancelTimer = undefined;
      this.options.changed(this.update());
    });
  }

  private update(): PlanChange {
    const { shards, context } = this.options;
    const { share } = shards;
    const { symbols: all } = this.list;
    const symbols = share === undefined ? all : new Set([...all].filter((symbol) => isInShare(symbol, share)));
    const change = this.plan.update(symbols);
    const { added, removed } = change;
    if (added.size + removed === 0) return change;
    this.places?.save(this.plan);
    const fresh = [...added.values()].reduce((sum, each) => sum + each.length, 0);
    const connections = this.plan.used.length;
    context.logger.info(
      { symbols: symbols.size, connections },
      `${context.path}: ${symbols.size} symbols on ${connections} connections; ${fresh} are new, ${removed} are gone`,
    );
    return change;
  }
}
