import { type Computation, GIVE_UP } from './computation.ts';

/** An item of `[ ]`, and whether it is a list in brackets itself. */
export interface Item {
  readonly compute: Computation;
  readonly isList: boolean;
}

/** `[a, b]`: missing items are left out, and lists in it become their items unless they are in brackets. */
export function compileList(items: readonly Item[]): Computation {
  return (message) => {
    const list: unknown[] = [];
    for (let at = 0; at < items.length; at += 1) {
      const { compute, isList } = items[at] as Item; // within the length
      const value = compute(message);
      if (value === GIVE_UP || (Array.isArray(value) && !isList)) return GIVE_UP;
      if (value !== undefined) list.push(value);
    }
    return list;
  };
}

/** A field of `{ }`. */
export interface Field {
  readonly name: string;
  readonly compute: Computation;
}

/** Names that JSONata refuses, and the one that would not become a field here. */
const RESERVED: ReadonlySet<string> = new Set(['_jsonata_lambda', '_jsonata_function', '__proto__']);

/** `{ "a": b }`: fields without a value are left out. undefined for names that JSONata refuses. */
export function compileObject(fields: readonly Field[]): Computation | undefined {
  const names = new Set(fields.map(({ name }) => name));
  if (names.size < fields.length || fields.some(({ name }) => RESERVED.has(name))) return undefined;
  return (message) => {
    const object: Record<string, unknown> = {};
    for (let at = 0; at < fields.length; at += 1) {
      const { name, compute } = fields[at] as Field; // within the length
      const value = compute(message);
      if (value === GIVE_UP) return GIVE_UP;
      if (value !== undefined) object[name] = value;
    }
    return object;
  };
}
