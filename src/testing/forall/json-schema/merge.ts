import {
  isSchemaObject,
  type JsonType,
  namedPartsIn,
  partsIn,
  type SchemaObject,
  type SchemaPart,
} from './schema-part.ts';

/**
 * One part that allows what both allow. What cannot be said in one part (two patterns, two formats) is said by the first
 * one only: what is generated is checked against the original.
 */
export function merge(one: SchemaPart, other: SchemaPart): SchemaPart {
  if (one === false || other === false) return false;
  if (one === true) return other;
  if (other === true) return one;
  const result: Record<string, unknown> = { ...one };
  for (const [keyword, value] of Object.entries(other)) {
    const both = keyword in one ? COMBINE[keyword]?.(one[keyword], value) : value;
    if (both === NEVER) return false;
    // Of what cannot be combined the first one stays.
    if (both !== undefined) result[keyword] = both;
  }
  return { ...result, ...mergedFields(one, other) };
}

const NEVER = Symbol('no value');
type Combine = (one: unknown, other: unknown) => unknown;

const larger: Combine = (one, other) => Math.max(one as number, other as number);
const smaller: Combine = (one, other) => Math.min(one as number, other as number);
const eachWithEach: Combine = (one, other) =>
  (one as SchemaPart[]).flatMap((left) => (other as SchemaPart[]).map((right) => ({ allOf: [left, right] })));
const together: Combine = (one, other) => ({ allOf: [one, other] });

const COMBINE: Readonly<Record<string, Combine>> = {
  type: (one, other) => orNever(sharedTypes([one].flat() as JsonType[], [other].flat() as JsonType[])),
  enum: (one, other) => orNever((one as unknown[]).filter((value) => has(other as unknown[], value))),
  const: (one, other) => (has([one], other) ? one : NEVER),
  minimum: larger,
  exclusiveMinimum: larger,
  minLength: larger,
  minItems: larger,
  minProperties: larger,
  maximum: smaller,
  exclusiveMaximum: smaller,
  maxLength: smaller,
  maxItems: smaller,
  maxProperties: smaller,
  multipleOf: (one, other) => commonMultiple(one as number, other as number),
  required: (one, other) => [...new Set([...(one as string[]), ...(other as string[])])],
  uniqueItems: (one, other) => one === true || other === true,
  nullable: (one, other) => one === true && other === true,
  anyOf: eachWithEach,
  oneOf: eachWithEach,
  allOf: (one, other) => [...(one as SchemaPart[]), ...(other as SchemaPart[])],
  not: (one, other) => ({ anyOf: [one, other] }),
  propertyNames: together,
  contains: together,
  items: (one, other) => (Array.isArray(one) || Array.isArray(other) ? one : together(one, other)),
  patternProperties: (one, other) => ({ ...(one as object), ...(other as object) }),
  dependentRequired: (one, other) => ({ ...(one as object), ...(other as object) }),
  prefixItems: (one, other) => {
    const [left, right] = [one as SchemaPart[], other as SchemaPart[]];
    const length = Math.max(left.length, right.length);
    return Array.from({ length }, (_, at) => ({ allOf: [left[at] ?? true, right[at] ?? true] }));
  },
};

/** A field that only one of the two names is subject to `additionalProperties` of the other one. */
function mergedFields(one: SchemaObject, other: SchemaObject): SchemaObject {
  const [left, right] = [namedPartsIn(one, 'properties'), namedPartsIn(other, 'properties')];
  const names = [...new Set([...Object.keys(left), ...Object.keys(right)])];
  const rest = [additional(one), additional(other)] as const;
  const fields: Record<string, SchemaPart> = {};
  for (const name of names) fields[name] = both(left[name] ?? rest[0], right[name] ?? rest[1]);
  const merged: Record<string, unknown> = names.length === 0 ? {} : { properties: fields };
  if ('additionalProperties' in one || 'additionalProperties' in other) merged.additionalProperties = both(...rest);
  return merged;
}

/** Fields that a pattern may allow are left to the check. */
function additional(part: SchemaObject): SchemaPart {
  const { additionalProperties } = part;
  if ('patternProperties' in part) return true;
  return typeof additionalProperties === 'boolean' || isSchemaObject(additionalProperties)
    ? additionalProperties
    : true;
}

function both(one: SchemaPart, other: SchemaPart): SchemaPart {
  if (one === false || other === false) return false;
  if (one === true) return other;
  return other === true ? one : { allOf: [one, other] };
}

function sharedTypes(one: readonly JsonType[], other: readonly JsonType[]): JsonType[] {
  const narrower = (list: readonly JsonType[], type: JsonType) =>
    list.includes(type) || (type === 'integer' && list.includes('number'));
  return [
    ...one.filter((type) => narrower(other, type)),
    ...other.filter((type) => !one.includes(type) && narrower(one, type)),
  ];
}

function orNever<T>(list: readonly T[]): readonly T[] | typeof NEVER {
  return list.length === 0 ? NEVER : list;
}

function has(values: readonly unknown[], wanted: unknown): boolean {
  const text = JSON.stringify(wanted);
  return values.some((value) => JSON.stringify(value) === text);
}

/** Of steps that are not whole numbers the larger one: the check has the last word. */
function commonMultiple(one: number, other: number): number {
  if (!Number.isInteger(one) || !Number.isInteger(other)) return Math.max(one, other);
  let [a, b] = [one, other];
  while (b !== 0) [a, b] = [b, a % b];
  return (one / a) * other;
}

/** `if`, `then` and `else` as two alternatives, so that both branches are generated. */
export function withoutCondition(part: SchemaObject): SchemaObject {
  const { if: condition, then: holds = true, else: fails = true, ...rest } = part;
  if (condition === undefined) return part;
  const branches = [{ allOf: [condition, holds] }, { allOf: [{ not: condition }, fails] }];
  return { ...rest, allOf: [...partsIn(rest, 'allOf'), { anyOf: branches }] };
}
