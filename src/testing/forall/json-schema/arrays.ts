import fc from 'fast-check';
import type { Build } from './build.ts';
import type { NoValue } from './no-valid-value.ts';
import { isSchemaPart, numberIn, partsIn, type SchemaObject, type SchemaPart } from './schema-part.ts';

/** Items beyond the fewest that are allowed. */
const MORE_ITEMS = 4;

export function listsOf(part: SchemaObject, place: string, build: Build): fc.Arbitrary<unknown[]> | NoValue {
  const { first, rest, restKey } = itemsOf(part);
  const fewest = Math.max(numberIn(part, 'minItems') ?? 0, part.contains === undefined ? 0 : 1);
  const most = numberIn(part, 'maxItems') ?? fewest + MORE_ITEMS;
  if (fewest > most) return { place, why: `minItems ${fewest} is above maxItems ${most}` };
  const prefix: fc.Arbitrary<unknown>[] = [];
  for (const [at, item] of first.slice(0, most).entries()) {
    const values = build(item, `${place}/${restKey.prefix}/${at}`);
    // Items behind one that cannot be made cannot be there either.
    if (!('generate' in values)) {
      if (at < fewest) return values;
      return fc.tuple(...prefix);
    }
    prefix.push(values);
  }
  const others = build(rest, `${place}/${restKey.rest}`);
  const missing = Math.max(0, fewest - prefix.length);
  if (!('generate' in others)) {
    if (missing > 0) return others;
    return fc.tuple(...prefix);
  }
  const lengths = {
    minLength: missing,
    maxLength: Math.max(missing, Math.min(most, fewest + MORE_ITEMS) - prefix.length),
  };
  const tail =
    part.uniqueItems === true
      ? fc.uniqueArray(others, { ...lengths, selector: JSON.stringify })
      : fc.array(others, lengths);
  const lists = fc.tuple(fc.tuple(...prefix), tail).map(([head, more]) => [...head, ...more]);
  return withContained(part, place, { lists, build, at: first.length });
}

/** `contains`: one of the items, behind those with a place of their own, is such a value. */
function withContained(
  part: SchemaObject,
  place: string,
  { lists, build, at }: { readonly lists: fc.Arbitrary<unknown[]>; readonly build: Build; readonly at: number },
): fc.Arbitrary<unknown[]> | NoValue {
  if (!isSchemaPart(part.contains) || part.minContains === 0) return lists;
  const { rest } = itemsOf(part);
  const wanted = build({ allOf: [rest, part.contains] }, `${place}/contains`);
  if (!('generate' in wanted)) return wanted;
  const count = numberIn(part, 'minContains') ?? 1;
  return fc
    .tuple(lists, fc.array(wanted, { minLength: count, maxLength: count }))
    .map(([list, some]) => list.toSpliced(at, count, ...some));
}

/** Drafts before 2020-12 say `items` and `additionalItems` for `prefixItems` and `items`. */
function itemsOf(part: SchemaObject) {
  const isOld = Array.isArray(part.items);
  const first: readonly SchemaPart[] = partsIn(part, isOld ? 'items' : 'prefixItems');
  const value = isOld ? part.additionalItems : part.items;
  const rest: SchemaPart = isSchemaPart(value) ? value : true;
  const restKey = isOld ? { prefix: 'items', rest: 'additionalItems' } : { prefix: 'prefixItems', rest: 'items' };
  return { first, rest, restKey };
}
