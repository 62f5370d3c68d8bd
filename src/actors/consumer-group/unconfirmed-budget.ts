/** Bytes that a partition may use at most, however much is free. */
const MAX_SHARE = 4_194_304;
/** Bytes that each partition may use whatever the others use, as long as half of the limit is enough for all. */
const RESERVED = 65_536;
/** The part of the free bytes in the other half that one partition may use. */
const FREE_PART = 1 / 8;

/**
 * The bytes of unconfirmed records in all groups, and their limit. Half of it is reserved for the partitions, in equal
 * parts. Of the other half each may use a part of what is free, so that slow clients leave something for the others
 * (dynamic thresholds: Choudhury and Hahne, 1998). Together the partitions use the limit at most, and one record each,
 * so that none waits for another.
 */
export class UnconfirmedBudget {
  private readonly limit: number;
  private partitions = 0;
  private used = 0;

  /** `limit` in bytes. */
  constructor(limit: number) {
    this.limit = limit;
  }

  get bytes(): number {
    return this.used;
  }

  /** Bytes that one partition may use at this moment. */
  get share(): number {
    const half = this.limit / 2;
    const reserved = Math.min(RESERVED, half / this.partitions, this.limit - this.used);
    return Math.max(0, reserved, Math.min(MAX_SHARE, (half - this.used) * FREE_PART));
  }

  /** One partition more. */
  add(): void {
    this.partitions += 1;
  }

  /** One partition less; it uses no bytes any more. */
  remove(): void {
    this.partitions -= 1;
  }

  /** A partition uses so many bytes more, or less. */
  change(bytes: number): void {
    this.used += bytes;
  }
}
