/** Bytes that a partition holds at most, whatever is free. */
const MOST = 4_194_304;
/** Bytes that each partition may hold whatever the others do, as long as half of the limit is enough for all. */
const OWN = 65_536;
/** A partition may hold so large a part of what is free of the other half. */
const PART = 1 / 8;

/**
 * What the partitions of all groups hold unconfirmed, against one limit. Half of it is for each partition's own, evenly;
 * of the other half each may hold a part of what is free, so that slow clients leave something (dynamic thresholds:
 * Choudhury and Hahne, 1998). Together they hold the limit at most, and one record each, so that none waits for another.
 */
export class Holdings {
  private readonly limit: number;
  private partitions = 0;
  private held = 0;

  /** `limit` in bytes. */
  constructor(limit: number) {
    this.limit = limit;
  }

  get bytes(): number {
    return this.held;
  }

  /** Bytes that one partition may hold at this moment. */
  get share(): number {
    const half = this.limit / 2;
    const own = Math.min(OWN, half / this.partitions, this.limit - this.held);
    return Math.max(0, own, Math.min(MOST, (half - this.held) * PART));
  }

  /** There is another partition. */
  add(): void {
    this.partitions += 1;
  }

  /** A partition that holds nothing any more is gone. */
  remove(): void {
    this.partitions -= 1;
  }

  /** A partition holds so many bytes more, or less. */
  change(bytes: number): void {
    this.held += bytes;
  }
}
