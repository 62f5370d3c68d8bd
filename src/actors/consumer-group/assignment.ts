/** A partition that goes to another holder; without `from` it is new or was waiting, without `to` it is gone or waits. */
export interface Move<P, H> {
  readonly partition: P;
  readonly from: H | undefined;
  readonly to: H | undefined;
}

/**
 * Which holder has which partition. All holders subscribe to the same topics, so their shares differ by one at most. A
 * new holder takes no more than that requires, and only the partitions of a holder that leaves are assigned anew. A
 * partition waits only while there is no holder. The cost of a change is that of its moves, whatever the number of holders.
 */
export class Assignment<P, H> {
  private readonly shares = new Map<H, P[]>();
  private readonly holders = new Map<P, H>();
  /** Holders by the size of their share; the one that has had that size for longest comes first. */
  private readonly levels: Set<H>[] = [new Set()];
  private readonly waiting = new Set<P>();

  get size(): number {
    return this.shares.size;
  }

  has(holder: H): boolean {
    return this.shares.has(holder);
  }

  holderOf(partition: P): H | undefined {
    return this.holders.get(partition);
  }

  shareOf(holder: H): readonly P[] {
    return this.shares.get(holder) ?? [];
  }

  join(holder: H): Move<P, H>[] {
    if (this.shares.has(holder)) return [];
    this.shares.set(holder, []);
    this.level(0).add(holder);
    return [...this.assignWaiting(), ...this.balance()];
  }

  leave(holder: H): Move<P, H>[] {
    const share = this.shares.get(holder);
    if (share === undefined) return [];
    this.shares.delete(holder);
    this.level(share.length).delete(holder);
    for (const partition of share) {
      this.holders.delete(partition);
      this.waiting.add(partition);
    }
    if (this.size === 0) return share.map((partition) => ({ partition, from: holder, to: undefined }));
    return this.assignWaiting().map((move) => ({ ...move, from: holder }));
  }

  /** Other partitions than before: some are gone, some are new. */
  change(removed: readonly P[], added: readonly P[]): Move<P, H>[] {
    const moves: Move<P, H>[] = [];
    for (const partition of removed) {
      this.waiting.delete(partition);
      const from = this.holders.get(partition);
      if (from === undefined) continue;
      this.take(from, partition);
      moves.push({ partition, from, to: undefined });
    }
    for (const partition of added) {
      if (!this.holders.has(partition)) this.waiting.add(partition);
    }
    return [...moves, ...this.assignWaiting(), ...this.balance()];
  }

  /** Gives each waiting partition to the holder with the smallest share. */
  private assignWaiting(): Move<P, H>[] {
    const moves: Move<P, H>[] = [];
    for (const partition of this.waiting) {
      const to = this.smallest();
      if (to === undefined) break;
      this.give(to, partition);
      moves.push({ partition, from: undefined, to });
    }
    return moves;
  }

  private balance(): Move<P, H>[] {
    const moves: Move<P, H>[] = [];
    for (;;) {
      const from = this.largest();
      const to = this.smallest();
      if (from === undefined || to === undefined) return moves;
      const share = this.shareOf(from);
      // The newest goes first: it had another holder before.
      const partition = share.at(-1);
      if (partition === undefined || share.length - this.shareOf(to).length < 2) return moves;
      this.take(from, partition);
      this.give(to, partition);
      moves.push({ partition, from, to });
    }
  }

  private give(holder: H, partition: P): void {
    const share = this.shares.get(holder);
    if (share === undefined) return;
    this.waiting.delete(partition);
    this.holders.set(partition, holder);
    this.level(share.length).delete(holder);
    share.push(partition);
    this.level(share.length).add(holder);
  }

  private take(holder: H, partition: P): void {
    const share = this.shares.get(holder);
    if (share === undefined) return;
    this.holders.delete(partition);
    this.level(share.length).delete(holder);
    share.splice(share.lastIndexOf(partition), 1);
    this.level(share.length).add(holder);
  }

  private level(size: number): Set<H> {
    while (this.levels.length <= size) this.levels.push(new Set());
    // Made by the line before.
    return this.levels[size] as Set<H>;
  }

  private smallest(): H | undefined {
    const [holder] = this.levels.find(({ size }) => size > 0) ?? [];
    return holder;
  }

  private largest(): H | undefined {
    const [holder] = this.levels.findLast(({ size }) => size > 0) ?? [];
    return holder;
  }
}
