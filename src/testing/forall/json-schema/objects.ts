import fc from 'fast-check';
import { BoundedFilter } from './bounded-filter.ts';
import type { Build } from './build.ts';
import { type NoValue, noValidValue } from './no-valid-value.ts';
import {
  isSchemaObject,
  isSchemaPart,
  namedPartsIn,
  numberIn,
  type SchemaObject,
  type SchemaPart,
} from './schema-part.ts';
import { textsOf } from './texts.ts';

/** Fields beyond those that the schema names. */
const MORE_FIELDS = 2;

/** A field that is not named in the schema. */
interface Extra {
  readonly names: fc.Arbitrary<string>;
  readonly values: fc.Arbitrary<unknown>;
}

/**
 * Fields that the schema names, and others only where it says of which form they are (a schema in `additionalProperties`, or
 * `patternProperties`), or where it wants more than it names.
 */
export function objectsOf(part: SchemaObject, place: string, build: Build): fc.Arbitrary<object> | NoValue {
  const named = namedPartsIn(part, 'properties');
  const required = requiredIn(part);
  const model: Record<string, fc.Arbitrary<unknown>> = {};
  for (const name of new Set([...required, ...Object.keys(named)])) {
    const values = build(fieldPart(part, name), `${place}/properties/${escaped(name)}`);
    if ('generate' in values) model[name] = values;
    // A field that may be left out is left out where it has no value.
    else if (required.includes(name)) return values;
  }
  const most = numberIn(part, 'maxProperties') ?? Number.POSITIVE_INFINITY;
  if (required.length > most)
    return { place, why: `it requires ${required.length} fields, and maxProperties is ${most}` };
  const known = fc.record(model, { requiredKeys: required.filter((name) => name in model), noNullPrototype: true });
  const fewest = numberIn(part, 'minProperties') ?? 0;
  return withExtras(part, place, { known, build, fewest, most, named: Object.keys(model) });
}

function withExtras(
  part: SchemaObject,
  place: string,
  fields: {
    readonly known: fc.Arbitrary<object>;
    readonly build: Build;
    readonly fewest: number;
    readonly most: number;
    readonly named: readonly string[];
  },
): fc.Arbitrary<object> | NoValue {
  const { known, build, fewest, most, named } = fields;
  const isMore = fewest > named.length;
  const extras = extrasOf(part, place, build, isMore);
  const counts = (object: object) => {
    const count = Object.keys(object).length;
    return count >= fewest && count <= most;
  };
  if (extras.length === 0 && isMore)
    return { place, why: `minProperties is ${fewest}, and it allows ${named.length} fields` };
  const wanted = Math.max(0, fewest - named.length);
  const more =
    extras.length === 0
      ? undefined
      : fc.uniqueArray(fc.oneof(...extras.map(({ names, values }) => fc.tuple(names, values))), {
          minLength: wanted,
          maxLength: wanted + MORE_FIELDS,
          selector: ([name]) => name,
        });
  const objects =
    more === undefined
      ? known
      : fc.tuple(known, more).map(([object, pairs]) => ({ ...Object.fromEntries(unnamed(pairs, named)), ...object }));
  if (fewest === 0 && most === Number.POSITIVE_INFINITY) return objects;
  return new BoundedFilter(objects, {
    fits: counts,
    giveUp: () => noValidValue({ place, why: `no object has from ${fewest} to ${most} fields` }),
  });
}

function unnamed(pairs: readonly (readonly [string, unknown])[], named: readonly string[]) {
  return pairs.filter(([name]) => name !== '__proto__' && !named.includes(name));
}

function extrasOf(part: SchemaObject, place: string, build: Build, isWanted: boolean): Extra[] {
  const { additionalProperties, propertyNames } = part;
  const extras: Extra[] = [];
  for (const [pattern, values] of Object.entries(namedPartsIn(part, 'patternProperties'))) {
    const names = textsOf({ pattern });
    const made = build(values, `${place}/patternProperties/${escaped(pattern)}`);
    if (typeof names !== 'string' && 'generate' in made) extras.push({ names, values: made });
  }
  const isAllowed = isSchemaObject(additionalProperties) || (isWanted && additionalProperties !== false);
  if (!isAllowed) return extras;
  const names = isSchemaObject(propertyNames) ? textsOf(propertyNames) : fc.stringMatching(/^[a-z][a-z0-9_]{0,7}$/);
  const made = build(isSchemaPart(additionalProperties) ? additionalProperties : true, `${place}/additionalProperties`);
  return typeof names !== 'string' && 'generate' in made ? [...extras, { names, values: made }] : extras;
}

/** What the schema says of a field: by its name, by patterns, or as one of the others. */
function fieldPart(part: SchemaObject, name: string): SchemaPart {
  const parts: SchemaPart[] = [];
  const named = namedPartsIn(part, 'properties');
  if (Object.hasOwn(named, name)) parts.push(named[name] ?? true);
  for (const [pattern, values] of Object.entries(namedPartsIn(part, 'patternProperties')))
    if (new RegExp(pattern, 'u').test(name)) parts.push(values);
  const { additionalProperties } = part;
  if (parts.length === 0 && isSchemaPart(additionalProperties)) return additionalProperties;
  return parts.length === 1 ? (parts[0] ?? true) : { allOf: parts };
}

function requiredIn(part: SchemaObject): readonly string[] {
  return Array.isArray(part.required) ? (part.required as string[]) : [];
}

function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
