import type { Message } from '../../core/message.ts';
import { isCount, objectOf } from './config-records.ts';

/*
 * The topic of source offsets: key ["CONNECTOR",{partition}] as in Connect, value {"offset", "generation"}.
 */

export type JsonObject = Readonly<Record<string, unknown>>;

/** How far a source has come in one of its partitions. */
export interface SourceOffset {
  readonly partition: JsonObject;
  readonly offset: JsonObject;
}

/** What an offset is to be; null for a partition that is to begin anew. */
export interface OffsetChange {
  readonly partition: JsonObject;
  readonly offset: JsonObject | null;
}

/** The same partition has the same key, in whichever order its fields stand. */
export function offsetKey(connector: string, partition: JsonObject): string {
  const fields = Object.entries(partition).sort(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify([connector, Object.fromEntries(fields)]);
}

/** Source offsets of all connectors. */
export class OffsetTable {
  private readonly offsets = new Map<
    string,
    SourceOffset & { readonly connector: string; readonly generation: number }
  >();

  apply(message: Message): void {
    const key = message.key?.toString() ?? '';
    if (message.meta.tombstone === true) {
      this.offsets.delete(key);
      return;
    }
    const place = readKey(key);
    const { offset, generation } = objectOf(message) ?? {};
    if (place === undefined || !isObject(offset) || !isCount(generation)) return;
    const before = this.offsets.get(key);
    if (before !== undefined && before.generation > generation) return;
    this.offsets.set(key, { ...place, offset, generation });
  }

  of(connector: string): SourceOffset[] {
    return [...this.offsets.values()]
      .filter((one) => one.connector === connector)
      .map(({ partition, offset }) => ({ partition, offset }));
  }

  /** Claim under which an offset was written; 0 where there is none. */
  generationOf(connector: string, partition: JsonObject): number {
    return this.offsets.get(offsetKey(connector, partition))?.generation ?? 0;
  }

  at(connector: string, partition: JsonObject): JsonObject | undefined {
    return this.offsets.get(offsetKey(connector, partition))?.offset;
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readKey(key: string): { connector: string; partition: JsonObject } | undefined {
  try {
    const [connector, partition] = JSON.parse(key) as unknown[];
    return typeof connector === 'string' && isObject(partition) ? { connector, partition } : undefined;
  } catch {
    return undefined;
  }
}
