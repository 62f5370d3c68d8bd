import { z } from 'zod';

/** Of an issue: the value had the right form, and what is written in it is wrong. */
export const COMPILING = 'compiling';

/** A setting that is compiled when it is read; an Error of `compile` is a mistake in the setting. */
export function compiled<S extends z.ZodType, T>(schema: S, compile: (source: z.output<S>) => T) {
  return schema.transform((source, context): T => {
    try {
      return compile(source);
    } catch (error) {
      context.issues.push({
        code: 'custom',
        message: (error as Error).message,
        input: source,
        params: { [COMPILING]: true },
      });
      return z.NEVER;
    }
  });
}
