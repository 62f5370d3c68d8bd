/** An offset that has to be read again after a restart, for as long as it is in the list. */
export interface Hold {
  readonly offset: number;
  before: Hold | undefined;
  after: Hold | undefined;
}

/**
 * Offsets of one partition that operators still need, lowest first. They are entered in rising order, as records are
 * read, and released in any: a list with links does both without a search.
 */
export class Holds {
  private first: Hold | undefined;
  private last: Hold | undefined;

  get lowest(): number | undefined {
    return this.first?.offset;
  }

  /** `offset`: at least that of the last call. */
  enter(offset: number): Hold {
    const hold: Hold = { offset, before: this.last, after: undefined };
    if (this.last === undefined) this.first = hold;
    else this.last.after = hold;
    this.last = hold;
    return hold;
  }

  /** Never twice for the same hold. */
  release(hold: Hold): void {
    if (hold.before === undefined) this.first = hold.after;
    else hold.before.after = hold.after;
    if (hold.after === undefined) this.last = hold.before;
    else hold.after.before = hold.before;
  }
}
