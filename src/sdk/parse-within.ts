import { z } from 'zod';

/**
 * Parses a value within a transform. Its mistakes are left as they are found, so that the reader of all settings says them
 * in its own words, with what is known there. `NEVER` if there are any.
 */
export function parseWithin<T>(schema: z.core.$ZodType<T>, value: unknown, context: z.RefinementCtx): T {
  const { value: parsed, issues } = synchronous(schema._zod.run({ value, issues: [] }, { async: false }));
  if (issues.length === 0) return parsed as T;
  // Refinements of the settings around it would get a value that is none.
  context.issues.push(...issues.map((issue) => ({ ...issue, continue: false })));
  return z.NEVER;
}

function synchronous<T>(result: T | Promise<T>): T {
  if (result instanceof Promise) throw new Error('settings are parsed synchronously');
  return result;
}
