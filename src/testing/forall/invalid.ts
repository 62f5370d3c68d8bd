import fc from 'fast-check';
import type { SchemaCheck } from '../../sdk/schema-check.ts';

/** A payload that breaks the schema: JSON, or text that is none. */
export type BrokenPayload = { readonly json: unknown } | { readonly text: string };

/**
 * Valid values with one thing wrong: a field that is missing or one too many, another type, a number or a length out of
 * range, or text that is not JSON. Where the schema lets all of these pass, only the last one is left.
 */
export function brokenPayloads(values: fc.Arbitrary<unknown>, check: SchemaCheck): fc.Arbitrary<BrokenPayload> {
  return fc.tuple(values, fc.nat({ max: 1_000 })).map(([value, chosen]) => brokenFrom(value, chosen, check));
}

function brokenFrom(value: unknown, chosen: number, check: SchemaCheck): BrokenPayload {
  const candidates = [...mutationsOf(value)];
  for (let at = 0; at < candidates.length; at += 1) {
    const json = candidates[(chosen + at) % candidates.length];
    if (check.mistakesIn(json, true) !== undefined && (chosen + at) % NOT_JSON_EVERY !== 0) return { json };
  }
  const text = JSON.stringify(value);
  return { text: text.length > 1 && !/^[-\d]/.test(text) ? text.slice(0, -1) : `${text},` };
}

/** Of so many broken messages about one is not JSON. */
const NOT_JSON_EVERY = 8;

function* mutationsOf(value: unknown): Generator<unknown> {
  yield* [null, true, 'text', -1, 1e12, [], {}].filter((other) => typeof other !== typeof value || other !== value);
  if (typeof value === 'string') yield* ['', value.repeat(50).padEnd(500, 'x')];
  if (typeof value === 'number') yield* [value + 0.5, -1e15];
  if (Array.isArray(value)) yield* mutationsOfList(value);
  else if (typeof value === 'object' && value !== null)
    yield* mutationsOfObject(value as Readonly<Record<string, unknown>>);
}

function* mutationsOfList(list: readonly unknown[]): Generator<unknown> {
  yield [...list, ...list, null];
  for (const [at, item] of list.entries()) for (const other of mutationsOf(item)) yield list.with(at, other);
}

function* mutationsOfObject(object: Readonly<Record<string, unknown>>): Generator<unknown> {
  for (const name of Object.keys(object)) {
    const { [name]: _, ...others } = object;
    yield others;
  }
  yield { ...object, unexpected: true };
  for (const [name, item] of Object.entries(object))
    for (const other of mutationsOf(item)) yield { ...object, [name]: other };
}
