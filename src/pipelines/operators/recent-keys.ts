/** Something for each of so many keys; the key that was not asked for in the longest time is forgotten. */
export class RecentKeys<V> {
  private readonly most: number;
  private readonly values = new Map<string, V>();

  constructor(most: number) {
    this.most = most;
  }

  get(key: string): V | undefined {
    const value = this.values.get(key);
    if (value === undefined) return undefined;
    // Last in the order of the map: the first ones are forgotten.
    this.values.delete(key);
    this.values.set(key, value);
    return value;
  }

  set(key: string, value: V): V {
    this.values.delete(key);
    if (this.values.size >= this.most)
      for (const oldest of this.values.keys()) {
        this.values.delete(oldest);
        break;
      }
    this.values.set(key, value);
    return value;
  }

  delete(key: string): void {
    this.values.delete(key);
  }
}
