import type { KeyRange, Table } from '../../transports/embedded/records/tables.ts';

type Part = string | number;
type Key = Part | readonly Part[];

/** Called with what takes a change back. */
type Undoing = (undo: () => void) => void;

/** A sorted table in memory. */
export class MemoryTable<Value, K extends Key> implements Table<Value, K> {
  private readonly keys: K[] = [];
  private readonly values: Value[] = [];
  private readonly changed: Undoing;

  constructor(changed: Undoing) {
    this.changed = changed;
  }

  get(key: K): Value | undefined {
    const at = this.place(key);
    return this.has(at, key) ? this.values[at] : undefined;
  }

  putSync(key: K, value: Value): void {
    const at = this.place(key);
    if (this.has(at, key)) {
      const before = this.values[at] as Value;
      this.values[at] = value;
      this.changed(() => this.putSync(key, before));
    } else {
      this.keys.splice(at, 0, key);
      this.values.splice(at, 0, value);
      this.changed(() => this.removeSync(key));
    }
  }

  removeSync(key: K): void {
    const at = this.place(key);
    if (!this.has(at, key)) return;
    const before = this.values[at] as Value;
    this.keys.splice(at, 1);
    this.values.splice(at, 1);
    this.changed(() => this.putSync(key, before));
  }

  *getKeys(range: KeyRange<K> = {}): Generator<K> {
    for (const { key } of this.getRange(range)) yield key;
  }

  /** What changes meanwhile is not looked at again: the range is that of the first step. */
  *getRange(range: KeyRange<K> = {}): Generator<{ readonly key: K; readonly value: Value }> {
    const { start, end, reverse = false, limit = Number.POSITIVE_INFINITY } = range;
    const [from, to] = reverse
      ? [this.behind(end), this.behind(start, this.keys.length)]
      : [this.at(start, 0), this.at(end, this.keys.length)];
    const count = Math.min(limit, Math.max(0, to - from));
    const places = Array.from({ length: count }, (_, index) => (reverse ? to - 1 - index : from + index));
    const found = places.map((at) => ({ key: this.keys[at] as K, value: this.values[at] as Value }));
    yield* found;
  }

  private at(key: K | undefined, otherwise: number): number {
    return key === undefined ? otherwise : this.place(key);
  }

  /** The place behind a key, or 0: where a range that is read backwards begins or ends. */
  private behind(key: K | undefined, otherwise = 0): number {
    if (key === undefined) return otherwise;
    const at = this.place(key);
    return this.has(at, key) ? at + 1 : at;
  }

  private has(at: number, key: K): boolean {
    const found = this.keys[at];
    return found !== undefined && compare(found, key) === 0;
  }

  /** Where a key is, or would be. */
  private place(key: K): number {
    let [low, high] = [0, this.keys.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(this.keys[middle] as K, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function compare(one: Key, other: Key): number {
  if (!isList(one) || !isList(other)) return comparePart(one as Part, other as Part);
  for (let at = 0; at < Math.min(one.length, other.length); at += 1) {
    const order = comparePart(one[at] as Part, other[at] as Part);
    if (order !== 0) return order;
  }
  return one.length - other.length;
}

function comparePart(one: Part, other: Part): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function isList(key: Key): key is readonly Part[] {
  return typeof key === 'object';
}
