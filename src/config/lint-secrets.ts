import type { z } from 'zod';
import { isSecretName } from '../core/secrets.ts';
import { doubting, type Finding, type Path } from './problem.ts';

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** A URL with a user and a password in it. */
const USER_INFO = /^[a-z][\w+.-]*:\/\/[^/?#\s@]*:[^/?#\s@]+@/i;

/**
 * Secrets that are written into the file itself, where everyone who may read it has them. Settings that hold secrets are marked
 * in their schemas (`writeOnly`); of names that users choose, such as those of headers, the name says it. `schema` is that of
 * editors, `isFilled` whether a setting has a variable in it.
 */
export function lintSecrets(schema: JsonSchema, value: unknown, isFilled: (path: Path) => boolean): Finding[] {
  const definitions = (schema.$defs ?? {}) as Readonly<Record<string, JsonSchema>>;
  const found = new Map<string, Finding>();

  const visit = (node: unknown, here: unknown, path: Path, isNamed: boolean): void => {
    const rules = resolved(node, definitions);
    const isMarked = isNamed || rules?.writeOnly === true;
    if (typeof here === 'string') {
      if ((isMarked || USER_INFO.test(here)) && isLiteral(here) && !isFilled(path))
        found.set(JSON.stringify(path), literal(path));
    }
    for (const part of partsOf(rules)) visit(part, here, path, isMarked);
    if (typeof here !== 'object' || here === null) return;
    for (const [key, inner] of Object.entries(here)) {
      const { rule, isFree } = ruleOf(rules, Array.isArray(here) ? undefined : key);
      visit(rule, inner, [...path, Array.isArray(here) ? Number(key) : key], isMarked || (isFree && isSecretName(key)));
    }
  };
  visit(schema, value, [], false);
  return [...found.values()];
}

/** An expression is made of each message, and empty text is no secret. */
function isLiteral(text: string): boolean {
  return text !== '' && !text.includes('${!');
}

function literal(path: Path): Finding {
  return doubting(
    path,
    'a secret is written here as it is; take it from a variable, ${NAME}, from a file, ${file:/path}, or from a command, ${exec:/path words}',
  );
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
