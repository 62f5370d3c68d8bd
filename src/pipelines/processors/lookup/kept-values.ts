import type { ComponentContext } from '../../../sdk/index.ts';

/** About what an entry takes beside its texts: a slot of the map and two objects, in bytes. */
const OVERHEAD = 96;

export interface KeptLimits {
  readonly keys: number;
  readonly bytes: number;
}

/** Texts by key, within limits. */
export class KeptValues {
  bytes = 0;
  private readonly values = new Map<string, string>();
  private readonly limits: KeptLimits;

  constructor(limits: KeptLimits) {
    this.limits = limits;
  }

  get keys(): number {
    return this.values.size;
  }

  get(key: string): string | undefined {
    return this.values.get(key);
  }

  has(key: string): boolean {
    return this.values.has(key);
  }

  /** False where there is no room for it: the key has no value then. */
  set(key: string, text: string): boolean {
    this.delete(key);
    const size = sizeOf(key, text);
    if (this.values.size >= this.limits.keys || this.bytes + size > this.limits.bytes) return false;
    this.values.set(key, text);
    this.bytes += size;
    return true;
  }

  delete(key: string): void {
    const text = this.values.get(key);
    if (text === undefined) return;
    this.values.delete(key);
    this.bytes -= sizeOf(key, text);
  }

  clear(): void {
    this.values.clear();
    this.bytes = 0;
  }
}

/** About the memory of an entry: JavaScript keeps two bytes a character, or one where all are Latin-1. */
export function sizeOf(key: string, text: string): number {
  return Buffer.byteLength(key) + Buffer.byteLength(text) + OVERHEAD;
}

/** Shows how large the values are that `read` gives. Returns what takes them out of the metrics. */
export function measure(
  { stats, path }: ComponentContext,
  read: () => { readonly keys: number; readonly bytes: number },
): () => void {
  const removers = [
    stats.gauge('tidegate_lookup_keys', { place: path }, () => read().keys),
    stats.gauge('tidegate_lookup_bytes', { place: path }, () => read().bytes),
  ];
  return () => {
    for (const remove of removers) remove();
  };
}
