interface Ending {
  readonly end: number;
  readonly isOver: boolean;
}

interface Entry<T> {
  readonly end: number;
  readonly item: T;
}

/** With fewer it is not worth the work. */
const MIN_DROPPED = 1_024;

/**
 * A binary heap of what ends at a time that may be moved to later: an entry that comes up too early is entered again, and
 * what is over already is dropped.
 */
export class EndQueue<T extends Ending> {
  private heap: Entry<T>[] = [];
  private over = 0;

  /** An item is over before its end. Once half of them are, they are dropped: their ends may be far away. */
  drop(): void {
    this.over += 1;
    if (this.over < MIN_DROPPED || this.over * 2 < this.heap.length) return;
    const rest = this.heap.filter(({ item }) => !item.isOver);
    this.heap = [];
    this.over = 0;
    for (const { item } of rest) this.add(item);
  }

  add(item: T): void {
    const { heap } = this;
    const entry = { end: item.end, item };
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      const above = heap[parent] as Entry<T>;
      if (above.end <= entry.end) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  }

  /** The item that ends first, if it ends at `time` or before it. */
  peek(time: number): T | undefined {
    for (let [first] = this.heap; first !== undefined && first.end <= time; [first] = this.heap) {
      const { item } = first;
      if (!item.isOver && item.end <= first.end) return item;
      this.removeFirst();
      if (item.isOver) this.over = Math.max(0, this.over - 1);
      else this.add(item);
    }
    return undefined;
  }

  /** As `peek`, and removes it. */
  take(time: number): T | undefined {
    const item = this.peek(time);
    if (item !== undefined) this.removeFirst();
    return item;
  }

  clear(): void {
    this.heap.length = 0;
    this.over = 0;
  }

  private removeFirst(): void {
    const { heap } = this;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      const right = heap[child + 1];
      if (right !== undefined && right.end < (heap[child] as Entry<T>).end) child += 1;
      const below = heap[child] as Entry<T>;
      if (last.end <= below.end) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
  }
}
