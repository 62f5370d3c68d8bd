import type { z } from 'zod';
import type { Path } from '../problem/problem.ts';

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** A setting of a file, and one of the rules that its schema has for it. */
export interface RuledSetting {
  readonly rules: JsonSchema | undefined;
  readonly value: unknown;
  readonly path: Path;
  /** Names that users choose and that lead to it: those of headers, for instance. */
  readonly freeNames: readonly string[];
  /** Whether rules around these say so, too. */
  readonly isWithin: (test: (rules: JsonSchema) => boolean) => boolean;
}

/** Calls `visit` for each setting with each branch of the schema that may be meant. `schema` is that of editors. */
export function walkSettings(schema: JsonSchema, value: unknown, visit: (setting: RuledSetting) => void): void {
  const definitions = (schema.$defs ?? {}) as Readonly<Record<string, JsonSchema>>;
  const enter = (node: unknown, here: unknown, path: Path, freeNames: readonly string[], around: JsonSchema[]) => {
    const rules = resolved(node, definitions);
    const own = rules === undefined ? around : [...around, rules];
    visit({ rules, value: here, path, freeNames, isWithin: (test) => own.some(test) });
    for (const part of partsOf(rules)) enter(part, here, path, freeNames, own);
    if (typeof here !== 'object' || here === null) return;
    for (const [key, inner] of Object.entries(here)) {
      const { rule, isFree } = ruleOf(rules, Array.isArray(here) ? undefined : key);
      const step = Array.isArray(here) ? Number(key) : key;
      enter(rule, inner, [...path, step], isFree ? [...freeNames, key] : freeNames, own);
    }
  };
  enter(schema, value, [], [], []);
}

/** The schemas that a value may have; of one that has choices beside rules of its own, these come first. */
export function branchesOf(node: unknown, definitions: Readonly<Record<string, JsonSchema>>): readonly JsonSchema[] {
  const rules = resolved(node, definitions);
  if (rules === undefined) return [];
  const parts = partsOf(rules);
  const own = parts.length === 0 || rules.type !== undefined ? [rules] : [];
  return [...own, ...parts.flatMap((part) => branchesOf(part, definitions))];
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
