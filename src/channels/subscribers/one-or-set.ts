/** One value, or a set of several: most channels have one subscriber, and most connections are in one channel. */
export type OneOrSet<T> = T | Set<T>;

export function withOne<T>(held: OneOrSet<T> | undefined, value: T): OneOrSet<T> {
  if (held === undefined || held === value) return value;
  if (held instanceof Set) return held.add(value);
  return new Set([held, value]);
}

/** Undefined where nothing is left. */
export function withoutOne<T>(held: OneOrSet<T> | undefined, value: T): OneOrSet<T> | undefined {
  if (!(held instanceof Set)) return held === value ? undefined : held;
  held.delete(value);
  if (held.size > 1) return held;
  const [last] = held;
  return last;
}

export function hasOne<T>(held: OneOrSet<T> | undefined, value: T): boolean {
  return held instanceof Set ? held.has(value) : held === value;
}

export function countOf<T>(held: OneOrSet<T> | undefined): number {
  if (held === undefined) return 0;
  return held instanceof Set ? held.size : 1;
}

export function listOf<T>(held: OneOrSet<T> | undefined): readonly T[] {
  if (held === undefined) return [];
  return held instanceof Set ? [...held] : [held];
}
