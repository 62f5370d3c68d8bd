import { TidegateError } from '../core/errors.ts';

/** What a person is told of an error: an error of ours speaks for itself, anything else comes with its stack. */
export function explain(error: unknown, environment: Readonly<Record<string, string | undefined>>): string {
  if (!(error instanceof Error)) return String(error);
  const wantsStack = environment.LOG_LEVEL === 'debug' || (environment.DEBUG ?? '') !== '';
  if (error instanceof TidegateError && !wantsStack) return `${error.message}\n(${error.code})`;
  return error.stack ?? error.message;
}
