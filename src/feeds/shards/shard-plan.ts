/** The symbols of one connection; the set changes with the plan. */
export interface Shard {
  /** From 1. A shard that has become empty leaves its number to a later one. */
  readonly number: number;
  readonly symbols: ReadonlySet<string>;
}

/** What a change of the list does to the shards. */
export interface PlanChange {
  /** Shards that had no symbol before. */
  readonly opened: readonly Shard[];
  /** Shards that had symbols before, and have others now. */
  readonly changed: readonly Shard[];
  /** Shards that have no symbol any more. */
  readonly emptied: readonly Shard[];
  /** Symbols that were in no shard before, by their shard. */
  readonly added: ReadonlyMap<Shard, readonly string[]>;
  /** How many symbols are in no shard any more. */
  readonly removed: number;
}

interface OwnShard {
  readonly number: number;
  readonly symbols: Set<string>;
}

/**
 * Which connection each symbol has. A symbol stays where it is for as long as it is in the list. A new one is placed in the
 * first connection that has room, so that holes are filled before there is another connection.
 */
export class ShardPlan {
  private readonly perConnection: number;
  /** By number, without holes: some may be empty. */
  private readonly shards: OwnShard[] = [];
  private readonly places = new Map<string, OwnShard>();

  constructor(perConnection: number) {
    this.perConnection = perConnection;
  }

  /** Those that have symbols. */
  get used(): readonly Shard[] {
    return this.shards.filter(({ symbols }) => symbols.size > 0);
  }

  /** Number of symbols. */
  get size(): number {
    return this.places.size;
  }

  /**
   * Places symbols as an earlier plan had them, by the number of the shard - 1. Only for an empty plan. What has no room,
   * because `perConnection` is lower now, or is named twice, is left out.
   */
  restore(places: readonly (readonly string[])[]): void {
    for (const [at, symbols] of places.entries())
      for (const symbol of symbols) {
        const shard = this.shardAt(at);
        if (!this.places.has(symbol) && shard.symbols.size < this.perConnection) this.place(symbol, shard);
      }
  }

  /** The symbols by the number of the shard - 1, for `restore`. */
  saved(): string[][] {
    return this.shards.map(({ symbols }) => [...symbols]);
  }

  /** `symbols` is the whole list. */
  update(symbols: ReadonlySet<string>): PlanChange {
    const before = new Set(this.shards.filter((shard) => shard.symbols.size > 0));
    const size = this.size;
    const shrunk = this.remove(symbols);
    const removed = size - this.size;
    const added = this.add(symbols);
    const touched = [...new Set([...shrunk, ...added.keys()])];
    return {
      opened: touched.filter((shard) => !before.has(shard)),
      changed: touched.filter((shard) => before.has(shard) && shard.symbols.size > 0),
      emptied: touched.filter((shard) => before.has(shard) && shard.symbols.size === 0),
      added,
      removed,
    };
  }

  /** Returns the shards that have lost symbols. */
  private remove(wanted: ReadonlySet<string>): Set<OwnShard> {
    const shrunk = new Set<OwnShard>();
    for (const [symbol, shard] of this.places) {
      if (wanted.has(symbol)) continue;
      this.places.delete(symbol);
      shard.symbols.delete(symbol);
      shrunk.add(shard);
    }
    return shrunk;
  }

  /** Returns the new symbols. */
  private add(wanted: ReadonlySet<string>): Map<OwnShard, string[]> {
    const added = new Map<OwnShard, string[]>();
    let at = 0;
    for (const symbol of wanted) {
      if (this.places.has(symbol)) continue;
      // Those before it are full, and stay so: nothing is removed meanwhile.
      while (this.shardAt(at).symbols.size >= this.perConnection) at += 1;
      const shard = this.shardAt(at);
      this.place(symbol, shard);
      const fresh = added.get(shard);
      if (fresh === undefined) added.set(shard, [symbol]);
      else fresh.push(symbol);
    }
    return added;
  }

  private place(symbol: string, shard: OwnShard): void {
    shard.symbols.add(symbol);
    this.places.set(symbol, shard);
  }

  private shardAt(at: number): OwnShard {
    while (this.shards.length <= at) this.shards.push({ number: this.shards.length + 1, symbols: new Set() });
    return this.shards[at] as OwnShard;
  }
}
