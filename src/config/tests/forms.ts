import { z } from 'zod';
import { PARSE_OPTIONS } from '../problem/issues.ts';
import { asked, suggest } from '../problem/suggest.ts';

/** What a value may be, by its type. */
type Forms = Readonly<Partial<Record<'string' | 'array' | 'object' | 'number', z.ZodType>>>;

/** The forms of a schema made by `oneOf`, for the JSON Schema. */
export const formsOf = new WeakMap<z.core.$ZodType, readonly z.ZodType[]>();

/**
 * A setting with several forms that differ in their type. A mistake is reported of the form that was written, and not of all
 * of them, as a union of zod does. `expected`: what is said of a value of none of these types.
 */
export function oneOf<T>(expected: string, forms: Forms): z.ZodType<T> {
  const formOf = (value: unknown) => forms[typeOf(value) as keyof Forms];
  return chosenBy(expected, Object.values(forms), formOf, () => '');
}

/** The same of settings, whose form is known by a key that they have. */
export function byKey<T>(expected: string, forms: Readonly<Record<string, z.ZodType>>): z.ZodType<T> {
  const formOf = (value: unknown) => Object.entries(forms).find(([key]) => keysOf(value).includes(key))?.[1];
  const hint = (value: unknown) => asked(keysOf(value).flatMap((key) => suggest(key, Object.keys(forms)) ?? [])[0]);
  return chosenBy(expected, [...new Set(Object.values(forms))], formOf, hint);
}

function keysOf(value: unknown): readonly string[] {
  return typeOf(value) === 'object' ? Object.keys(value as object) : [];
}

function chosenBy<T>(
  expected: string,
  forms: readonly z.ZodType[],
  formOf: (value: unknown) => z.ZodType | undefined,
  hint: (value: unknown) => string,
): z.ZodType<T> {
  const schema = z.unknown().transform((value, context): T => {
    const form = formOf(value);
    if (form === undefined) {
      const message = value === undefined ? `is missing: ${expected}` : `${expected}${hint(value)}`;
      context.issues.push({ code: 'custom', message, input: value });
      return z.NEVER;
    }
    const parsed = form.safeParse(value, PARSE_OPTIONS);
    if (parsed.success) return parsed.data as T;
    for (const issue of parsed.error.issues) context.issues.push({ ...issue } as z.core.$ZodRawIssue);
    return z.NEVER;
  });
  formsOf.set(schema, forms);
  return schema as unknown as z.ZodType<T>;
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
