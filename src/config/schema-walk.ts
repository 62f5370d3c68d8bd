import type { z } from 'zod';

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** One setting as a file has it. */
export interface Setting {
  readonly value: unknown;
  readonly path: (string | number)[];
  /** Its name, where the user chose it. */
  readonly freeName: string | undefined;
}

/**
 * Visits the settings of a file together with their JSON Schema, which is that of editors. A setting is visited for each form that it
 * may have. `visit` returns what it hands down to what is in the setting.
 */
export function walkSettings<S>(
  schema: JsonSchema,
  value: unknown,
  start: S,
  visit: (rules: JsonSchema | undefined, setting: Setting, state: S) => S,
): void {
  const definitions = (schema.$defs ?? {}) as Readonly<Record<string, JsonSchema>>;
  const enter = (node: unknown, setting: Setting, before: S): void => {
    const rules = resolved(node, definitions);
    const state = visit(rules, setting, before);
    for (const part of partsOf(rules)) enter(part, { ...setting, freeName: undefined }, state);
    const { value: here, path } = setting;
    if (typeof here !== 'object' || here === null) return;
    for (const [key, inner] of Object.entries(here)) {
      const { rule, isFree } = ruleOf(rules, Array.isArray(here) ? undefined : key);
      const own = [...path, Array.isArray(here) ? Number(key) : key];
      enter(rule, { value: inner, path: own, freeName: isFree ? key : undefined }, state);
    }
  };
  enter(schema, { value, path: [], freeName: undefined }, start);
}

function resolved(node: unknown, definitions: Readonly<Record<string, JsonSchema>>): JsonSchema | undefined {
  if (typeof node !== 'object' || node === null) return undefined;
  const rules = node as JsonSchema;
  const name = rules.$ref?.replace('#/$defs/', '');
  return name === undefined ? rules : definitions[name];
}

function partsOf(rules: JsonSchema | undefined): readonly unknown[] {
  return [...(rules?.anyOf ?? []), ...(rules?.oneOf ?? []), ...(rules?.allOf ?? [])];
}

/** The schema of an entry, and whether its name was chosen by the user; of an item of a list without one. */
function ruleOf(rules: JsonSchema | undefined, key: string | undefined): { rule: unknown; isFree: boolean } {
  if (key === undefined) return { rule: rules?.items, isFree: false };
  const { properties, additionalProperties } = rules ?? {};
  if (properties !== undefined && Object.hasOwn(properties, key)) return { rule: properties[key], isFree: false };
  return { rule: additionalProperties, isFree: typeof additionalProperties === 'object' };
}
