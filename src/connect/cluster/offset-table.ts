import { parseAsWritten, writeJson } from '../../core/exact-number.ts';
import type { Message } from '../../core/message.ts';
import { isCount } from '../../tables/record-value.ts';

/*
 * The topic of source offsets: key ["CONNECTOR",{partition}] as in Connect, value {"offset", "generation"}. An offset that
 * is taken back is null rather than a tombstone, so that what an older task still saves is not taken for the newest.
 */

export type JsonObject = Readonly<Record<string, unknown>>;

/** The position of a source in one of its partitions. */
export interface SourceOffset {
  readonly partition: JsonObject;
  readonly offset: JsonObject;
}

/** A new offset; null for a partition that is to start from the beginning. */
export interface OffsetChange {
  /** null if the request has none, which is a mistake whose message depends on the connector. */
  readonly partition: JsonObject | null;
  readonly offset: JsonObject | null;
}

interface Saved extends OffsetChange {
  readonly partition: JsonObject;
  readonly connector: string;
  /** A later writer that owns the task has a larger one. */
  readonly generation: number;
}

/** The same partition has the same key, in whichever order its fields come. */
export function offsetKey(connector: string, partition: JsonObject): string {
  const fields = Object.entries(partition).sort(([one], [other]) => (one < other ? -1 : 1));
  return writeJson([connector, Object.fromEntries(fields)]) ?? '';
}

/** Source offsets of all connectors. */
export class OffsetTable {
  private readonly offsets = new Map<string, Saved>();

  apply(message: Message): void {
    const key = message.key?.toString() ?? '';
    if (message.meta.tombstone === true) {
      this.offsets.delete(key);
      return;
    }
    const place = readKey(key);
    const { offset, generation } = savedIn(message);
    if (place === undefined || !(isObject(offset) || offset === null) || !isCount(generation)) return;
    const before = this.offsets.get(key);
    if (before !== undefined && before.generation > generation) return;
    this.offsets.set(key, { ...place, offset, generation });
  }

  clear(): void {
    this.offsets.clear();
  }

  of(connector: string): SourceOffset[] {
    return [...this.offsets.values()].flatMap(({ connector: of, partition, offset }) =>
      of === connector && offset !== null ? [{ partition, offset }] : [],
    );
  }

  /** The generation of the newest offset; 0 if there is none. */
  generationOf(connector: string, partition: JsonObject): number {
    return this.offsets.get(offsetKey(connector, partition))?.generation ?? 0;
  }

  at(connector: string, partition: JsonObject): JsonObject | undefined {
    return this.offsets.get(offsetKey(connector, partition))?.offset ?? undefined;
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Cursors are the feed's own: their numbers keep every digit. */
function savedIn(message: Message): { readonly offset?: unknown; readonly generation?: unknown } {
  try {
    const value = parseAsWritten(message.text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function readKey(key: string): { connector: string; partition: JsonObject } | undefined {
  try {
    const [connector, partition] = parseAsWritten(key) as unknown[];
    return typeof connector === 'string' && isObject(partition) ? { connector, partition } : undefined;
  } catch {
    return undefined;
  }
}
