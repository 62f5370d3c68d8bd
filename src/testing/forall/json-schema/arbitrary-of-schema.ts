import fc from 'fast-check';
import { reasonOf } from '../../../core/errors.ts';
import { SchemaCheck, targetOf } from '../../../sdk/schema-check.ts';
import { listsOf } from './arrays.ts';
import { BoundedFilter } from './bounded-filter.ts';
import { anyValue } from './build.ts';
import { LocalChecks } from './local-checks.ts';
import { merge, withoutCondition } from './merge.ts';
import { type NoValue, noValidValue } from './no-valid-value.ts';
import { numbersOf } from './numbers.ts';
import { objectsOf } from './objects.ts';
import { isSchemaPart, type JsonType, partsIn, type SchemaObject, type SchemaPart, typesOf } from './schema-part.ts';
import { textsOf } from './texts.ts';

/** References that are followed into each other: a tree is at most so deep. */
const MAX_REFERENCES = 4;

/**
 * Values that fit a JSON Schema (2020-12, 2019-09 or draft-07), as JSON.parse would give them; also the ones that they shrink
 * to. Each is checked by the code of the processor `validate`. Throws TG_CONFIG_INVALID, also from the arbitrary, where the
 * schema is none or where no value fits it: the message names the part of the schema.
 */
export function arbitraryOfSchema(schema: object): fc.Arbitrary<unknown> {
  const check = checkOf(schema);
  const values = new Builder(schema as SchemaObject).build(schema as SchemaObject, '#', 0);
  if (!('generate' in values)) throw noValidValue(values);
  return new BoundedFilter(values, {
    fits: (value) => check.mistakesIn(value, true) === undefined,
    giveUp: (last) => noValidValue({ place: '#', why: `of 1000 values none fits: ${check.mistakesIn(last, true)}` }),
  });
}

function checkOf(schema: object): SchemaCheck {
  try {
    return new SchemaCheck(schema);
  } catch (error) {
    throw noValidValue({ place: '#', why: reasonOf(error) }, error);
  }
}

type Values = fc.Arbitrary<unknown> | NoValue;

class Builder {
  private readonly root: SchemaObject;
  private readonly checks: LocalChecks;
  /** By depth, what was made of a part: references lead to one part from many places. */
  private readonly made = new WeakMap<SchemaObject, Map<number, Values>>();

  constructor(root: SchemaObject) {
    this.root = root;
    this.checks = new LocalChecks(root);
  }

  build(part: SchemaPart, place: string, depth: number): Values {
    if (part === true) return anyValue;
    if (part === false) return { place, why: 'the schema false allows no value' };
    const byDepth = this.made.get(part) ?? new Map<number, Values>();
    this.made.set(part, byDepth);
    const known = byDepth.get(depth);
    if (known !== undefined) return known;
    const values = this.checked(part, place, this.buildPart(part, place, depth));
    byDepth.set(depth, values);
    return values;
  }

  /** What the arbitraries alone do not keep to, such as `not`, is drawn again until it fits. */
  private checked(part: SchemaObject, place: string, values: Values): Values {
    const check = 'generate' in values ? this.checks.of(part) : undefined;
    if (!('generate' in values) || check === undefined) return values;
    return new BoundedFilter(values, {
      fits: (value) => check.mistakesIn(value, true) === undefined,
      giveUp: (last) => noValidValue({ place, why: `of 1000 values none fits: ${check.mistakesIn(last, true)}` }),
    });
  }

  private buildPart(part: SchemaObject, place: string, depth: number): Values {
    const { flat, depth: reached } = this.flatten(part, depth);
    const { $ref: reference } = part;
    if (reached > MAX_REFERENCES)
      return {
        place: typeof reference === 'string' ? reference : place,
        why: 'it refers to itself without an end: each value needs another one',
      };
    if (flat === false) return { place, why: 'its parts allow no value together' };
    if (flat === true) return anyValue;
    for (const keyword of ['oneOf', 'anyOf']) if (keyword in flat) return this.oneOf(flat, keyword, place, reached);
    if ('const' in flat || Array.isArray(flat.enum)) return this.listed(flat, place);
    const types = typesOf(flat);
    if (types === undefined) return anyValue;
    return this.firstOrAll(types.map((type) => this.ofType(type, flat, place, reached)));
  }

  private oneOf(flat: SchemaObject, keyword: string, place: string, depth: number): Values {
    const { [keyword]: _, ...rest } = flat;
    const alternatives = partsIn(flat, keyword).map((alternative, at) =>
      this.build({ allOf: [rest, alternative] }, `${place}/${keyword}/${at}`, depth),
    );
    return this.firstOrAll(alternatives);
  }

  /** Values of all that have some; else why the first one has none. */
  private firstOrAll(alternatives: readonly Values[]): Values {
    const some = alternatives.filter((values): values is fc.Arbitrary<unknown> => 'generate' in values);
    const [first] = alternatives;
    if (some.length === 0 && first !== undefined) return first;
    return some.length === 1 && some[0] !== undefined ? some[0] : fc.oneof({ withCrossShrink: true }, ...some);
  }

  private listed(flat: SchemaObject, place: string): Values {
    const all = 'const' in flat ? [flat.const] : (flat.enum as unknown[]);
    const fitting = this.checks.fitting(flat, all);
    if (fitting.length === 0) return { place, why: 'none of the values that it lists fits the rest of it' };
    return fc.constantFrom(...fitting);
  }

  private ofType(type: JsonType, flat: SchemaObject, place: string, depth: number): Values {
    const build = (part: SchemaPart, at: string) => this.build(part, at, depth);
    switch (type) {
      case 'null':
        return fc.constant(null);
      case 'boolean':
        return fc.boolean();
      case 'integer':
      case 'number':
        return orNone(numbersOf(flat, type === 'integer'), place);
      case 'string':
        return orNone(textsOf(flat), place);
      case 'array':
        return listsOf(flat, place, build);
      case 'object':
        return objectsOf(flat, place, build);
    }
  }

  /** One part without `$ref`, `allOf` and `if`, and how many references led to it. */
  private flatten(part: SchemaPart, depth: number): { readonly flat: SchemaPart; readonly depth: number } {
    if (typeof part === 'boolean' || depth > MAX_REFERENCES) return { flat: part, depth };
    const { $ref: reference, allOf: _, ...own } = withoutCondition(part);
    const parts: SchemaPart[] = [...partsIn(withoutCondition(part), 'allOf')];
    let flat: SchemaPart = own;
    let deepest = depth;
    if (typeof reference === 'string') {
      const target = this.flatten(this.targetOf(reference), depth + 1);
      flat = merge(flat, target.flat);
      deepest = target.depth;
    }
    for (const inner of parts) {
      const one = this.flatten(inner, depth);
      flat = merge(flat, one.flat);
      deepest = Math.max(deepest, one.depth);
    }
    return { flat, depth: deepest };
  }

  private targetOf(reference: string): SchemaPart {
    const target = reference.startsWith('#') ? targetOf(this.root, reference) : undefined;
    if (isSchemaPart(target)) return target;
    throw noValidValue({ place: '#', why: `the reference ${reference} does not lead to a place in the schema` });
  }
}

function orNone(values: fc.Arbitrary<unknown> | string, place: string): Values {
  return typeof values === 'string' ? { place, why: values } : values;
}
