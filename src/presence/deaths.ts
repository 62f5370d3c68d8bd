interface Death {
  readonly timestamp: number;
  /** When its lease ended by the clock of its gateway. */
  readonly until: number | undefined;
  /** Whether we read it as it happened, and not during a rebuild. */
  readonly isWitnessed: boolean;
  /** We have declared it, so we write the tombstones. */
  isOurs: boolean;
  /** Keys of the incarnation's records that have no tombstone yet. */
  readonly leftovers: Set<string>;
}

/**
 * The incarnations that were declared dead. Nothing that a dead incarnation writes counts any more, and all its records
 * get tombstones, those that arrive after its death too. The gateway that declared the death writes them; where two
 * have declared the same death both do, because neither can know that the other one will live to finish.
 */
export class Deaths {
  private readonly deaths = new Map<string, Death>();

  has(incarnation: string): boolean {
    return this.deaths.has(incarnation);
  }

  /** Whether its lease had ended at that time, by the clock of its gateway. */
  hadExpired(incarnation: string, timestamp: number): boolean {
    const { until = Number.POSITIVE_INFINITY } = this.deaths.get(incarnation) ?? {};
    return timestamp >= until;
  }

  /**
   * Whether a message that is read now and was sent at that time comes too late. After a death that we have witnessed
   * every message does, whatever the clocks say; after an older one, those that were sent without a lease.
   */
  isTooLate(incarnation: string, timestamp: number): boolean {
    return this.deaths.get(incarnation)?.isWitnessed === true || this.hadExpired(incarnation, timestamp);
  }

  /** Returns the keys that get a tombstone now. */
  add(incarnation: string, death: Omit<Death, 'leftovers'>, keys: readonly string[]): readonly string[] {
    this.deaths.set(incarnation, { ...death, leftovers: new Set(keys) });
    return death.isOurs ? keys : [];
  }

  /** The same death was declared once more. Returns the keys that get a tombstone now. */
  declaredAgain(incarnation: string, isOurs: boolean): readonly string[] {
    const death = this.deaths.get(incarnation);
    if (death === undefined || !isOurs || death.isOurs) return [];
    death.isOurs = true;
    return [...death.leftovers];
  }

  /** A record of a dead incarnation was read. Whether it gets a tombstone now. */
  addLeftover(incarnation: string, key: string): boolean {
    const death = this.deaths.get(incarnation);
    death?.leftovers.add(key);
    return death?.isOurs === true;
  }

  removeLeftover(incarnation: string, key: string): void {
    this.deaths.get(incarnation)?.leftovers.delete(key);
  }

  remove(incarnation: string): void {
    this.deaths.delete(incarnation);
  }

  /** Deaths that were written before that time, in milliseconds since the epoch, each with the keys that are left. */
  before(time: number): { readonly incarnation: string; readonly leftovers: string[] }[] {
    const old = [...this.deaths].filter(([, { timestamp }]) => timestamp < time);
    return old.map(([incarnation, { leftovers }]) => ({ incarnation, leftovers: [...leftovers] }));
  }
}
