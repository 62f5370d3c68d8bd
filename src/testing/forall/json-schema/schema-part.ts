/** A JSON Schema, or a part of one. */
export type SchemaPart = boolean | SchemaObject;
export type SchemaObject = Readonly<Record<string, unknown>>;

export type JsonType = 'null' | 'boolean' | 'integer' | 'number' | 'string' | 'array' | 'object';

/** Keywords that say something about values of one type only: a part that has one and no `type` is meant for that type. */
const KEYWORDS_OF: Readonly<Partial<Record<JsonType, readonly string[]>>> = {
  object: ['properties', 'required', 'additionalProperties', 'patternProperties', 'propertyNames', 'minProperties'],
  array: ['items', 'prefixItems', 'minItems', 'maxItems', 'uniqueItems', 'contains'],
  string: ['minLength', 'maxLength', 'pattern', 'format'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
};

/** The types that a part allows, or is meant for; undefined where it says nothing about types. */
export function typesOf(part: SchemaObject): readonly JsonType[] | undefined {
  const { type, nullable } = part;
  if (type !== undefined) {
    const types = [type].flat() as JsonType[];
    return nullable === true && !types.includes('null') ? [...types, 'null'] : types;
  }
  const meant = Object.entries(KEYWORDS_OF).flatMap(([name, keywords]) =>
    keywords.some((keyword) => keyword in part) ? [name as JsonType] : [],
  );
  return meant.length === 0 ? undefined : meant;
}

export function numberIn(part: SchemaObject, keyword: string): number | undefined {
  const value = part[keyword];
  return typeof value === 'number' ? value : undefined;
}

export function partsIn(part: SchemaObject, keyword: string): readonly SchemaPart[] {
  const value = part[keyword];
  return Array.isArray(value) ? (value as SchemaPart[]) : [];
}

export function namedPartsIn(part: SchemaObject, keyword: string): Readonly<Record<string, SchemaPart>> {
  const value = part[keyword];
  return isSchemaObject(value) ? (value as Record<string, SchemaPart>) : {};
}

export function isSchemaPart(value: unknown): value is SchemaPart {
  return typeof value === 'boolean' || isSchemaObject(value);
}

export function isSchemaObject(value: unknown): value is SchemaObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
