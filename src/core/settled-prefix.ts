/**
 * Which offset of a partition may be committed: the end of the contiguous settled prefix. Offsets are entered in
 * rising order, with gaps (compaction, transaction markers), and settled in any order.
 */
export class SettledPrefix {
  private offsets: number[] = [];
  private done: boolean[] = [];
  private head = 0;
  private next: number;

  /** `start`: the position consumption begins at, which is committable at once. */
  constructor(start: number) {
    this.next = start;
  }

  /** The offset to commit: the first one that is not settled yet. */
  get committable(): number {
    return this.next;
  }

  /** How many entered offsets are not settled or wait behind one that is not. */
  get unsettled(): number {
    return this.offsets.length - this.head;
  }

  enter(offset: number): void {
    this.offsets.push(offset);
    this.done.push(false);
  }

  settle(offset: number): void {
    const at = this.find(offset);
    if (at < 0) return;
    this.done[at] = true;
    while (this.head < this.offsets.length && this.done[this.head] === true) {
      this.next = (this.offsets[this.head] as number) + 1;
      this.head += 1;
    }
    if (this.head === this.offsets.length) {
      this.offsets = [];
      this.done = [];
      this.head = 0;
    } else if (this.head > 4096) {
      this.offsets = this.offsets.slice(this.head);
      this.done = this.done.slice(this.head);
      this.head = 0;
    }
  }

  /** Binary search, as offsets rise. */
  private find(offset: number): number {
    let low = this.head;
    let high = this.offsets.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const found = this.offsets[middle] as number;
      if (found === offset) return middle;
      if (found < offset) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }
}
